import { integer, secret, text } from '@parley/adapter'

export const SETTINGS = {
  homeserver: text('http://127.0.0.1:8008', 'address of the homeserver'),
  serverName: text('', 'name of the homeserver, as in the addresses of its users'),
  asToken: secret('token of the registration with which the gateway comes to the homeserver (`as_token`)'),
  hsToken: secret('token of the registration with which the homeserver comes to the gateway (`hs_token`)'),
  listenHost: text('127.0.0.1', 'address on which the homeserver hands over what happens'),
  listenPort: integer(9993, 0, 65_535, 'port of it'),
  prefix: text('xmpp_', 'what names of users here begin with there: small letters, digits, `_`'),
  userDomain: text('', 'domain of the users; empty: the domain of this gateway without its first label'),
} as const
export type MatrixSettings = typeof SETTINGS
