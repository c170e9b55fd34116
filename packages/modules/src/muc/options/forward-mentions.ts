import { flag } from './option.ts'

export const MENTIONS = 'urn:xmpp:mmn:0'

/** Whether members who are not here get the lines that mention them (XEP-0452). */
export const forwardMentions = flag(
  'muc#roomconfig_forwardmentions',
  'Forward lines to members who are mentioned and not here',
  true,
  yes => (yes ? MENTIONS : undefined),
)
