import { roles } from './option.ts'

/** Which roles may ask who the members are (XEP-0045 §7.11, §9.5); where addresses are hidden, moderators alone. */
export const memberList = roles('muc#roomconfig_getmemberlist', 'Who may see the list of members')
