import { REGISTER_FORM } from '../namespaces.ts'
import { choice } from './option.ts'

/** Whether others than admins may make members (XEP-0045 §7.10). No field of that meaning is registered (XEP-0068 §3.5). */
export const registration = choice(
  'x-muc#roomconfig_registration',
  'Who may register as a member',
  { open: 'Everybody', approval: 'Whoever an admin agrees to', closed: 'Nobody' },
  'open',
  value => (value === 'closed' ? undefined : REGISTER_FORM),
)
