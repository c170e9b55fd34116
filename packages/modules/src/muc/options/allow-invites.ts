import { flag } from './option.ts'

/** Whether those who may not edit the list of members may invite to a room for members (XEP-0045 §7.8.2). */
export const allowInvites = flag('muc#roomconfig_allowinvites', 'Let everybody invite', false)
