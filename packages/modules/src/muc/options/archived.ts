import { flag } from './option.ts'

/** Whether what is said is kept (XEP-0313), and may be asked for later. */
export const archived = flag('muc#roomconfig_enablelogging', 'Keep what is said', true)
