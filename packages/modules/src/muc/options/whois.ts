import { choice } from './option.ts'

/** Who sees real addresses (XEP-0045 §4.2: non-anonymous or semi-anonymous). */
export const whois = choice(
  'muc#roomconfig_whois',
  'Who sees the addresses of the others',
  { moderators: 'Moderators', anyone: 'Everybody' },
  'moderators',
  value => (value === 'anyone' ? 'muc_nonanonymous' : 'muc_semianonymous'),
)
