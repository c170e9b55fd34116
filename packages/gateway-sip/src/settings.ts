import { choice, flag, integer, type SettingValues, secret, text } from '@parley/adapter'

const door = (standard: number, what: string) => integer(standard, 0, 65_535, `port for ${what}; 0: none`)

export const settings = {
  domain: text('', 'domain of our users in SIP; empty: as in XMPP'),
  listen: text('0.0.0.0', 'address to listen on'),
  address: text('', 'name or address under which others reach us; empty: the domain'),
  udp: door(5060, 'UDP'),
  tcp: door(5060, 'TCP'),
  tls: door(0, 'TLS'),
  transport: choice('tcp', ['udp', 'tcp', 'tls'], 'transport to peers of which nothing else is said'),
  proxy: text('', 'outbound proxy, `host:port;transport=tls`; empty: straight to the domain'),
  routes: text('', 'domains with a way of their own, `far.example=sip.far.example:5061;transport=tls, …`'),
  trusted: text('', 'addresses, and names of certificates, whose requests need no password, with commas between'),
  certified: flag(false, 'whoever has a good certificate speaks for the domains that it names'),
  trustAnything: flag(false, 'take any certificate of those that we connect to'),
  username: text('', 'our name at the proxy or registrar'),
  password: secret('our password there'),
  register: text('', 'address that is registered there, `sip:gateway@far.example`; empty: none'),
  peerUsername: text('', 'name under which others prove who they are; empty: nobody can'),
  peerPassword: secret('password of that name'),
  expires: integer(3600, 60, 86_400, 'seconds that a subscription of ours lasts'),
  receipts: flag(true, 'ask for receipts, in an envelope (RFC 5438); off for peers that would show it'),
  publish: flag(false, 'tell the proxy the presence of our users too (RFC 3903)'),
} as const

export type SipSettings = typeof settings
export type Values = SettingValues<SipSettings>
