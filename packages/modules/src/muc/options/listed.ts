import { flag } from './option.ts'

/** Whether the service names the room to whoever asks what rooms there are (XEP-0045 §6.3). */
export const listed = flag('muc#roomconfig_publicroom', 'Show the room in the list of rooms', false, yes =>
  yes ? 'muc_public' : 'muc_hidden',
)
