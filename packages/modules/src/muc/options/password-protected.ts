import { flag } from './option.ts'

/** Clients of old show a password only where this is set. It is no setting of its own: it follows from the password. */
export const passwordProtected = flag('muc#roomconfig_passwordprotectedroom', 'A password is needed', false)
