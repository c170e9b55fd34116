import { flag } from './option.ts'

/** Whether the room stays when the last one has left. */
export const persistent = flag('muc#roomconfig_persistentroom', 'Keep the room when nobody is in it', false, yes =>
  yes ? 'muc_persistent' : 'muc_temporary',
)
