import { flag } from './option.ts'

/** Whether those who are no members need to be given voice. */
export const moderated = flag(
  'muc#roomconfig_moderatedroom',
  'Only members and those who were given voice speak',
  false,
  yes => (yes ? 'muc_moderated' : 'muc_unmoderated'),
)
