import { roles } from './option.ts'

/** Of which roles the others see who is here (XEP-0045 §7.2.2). */
export const shownRoles = roles('muc#roomconfig_presencebroadcast', 'Who is seen to be here')
