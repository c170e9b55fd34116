import { flag } from './option.ts'

export const membersOnly = flag('muc#roomconfig_membersonly', 'Let members in only', false, yes =>
  yes ? 'muc_membersonly' : 'muc_open',
)
