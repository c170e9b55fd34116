import { choice, flag, integer, port, text } from '@parley/adapter'

export const SETTINGS = {
  host: text('', 'name or address of the server'),
  port: port(6697),
  tls: flag(true, 'TLS from the first byte'),
  trustAnything: flag(false, 'take any certificate: only for servers of your own'),
  identify: choice(
    'sasl',
    ['sasl', 'pass', 'nickserv'],
    'how a password is given: SASL PLAIN, PASS, or a message to the service',
  ),
  nickserv: text('NickServ', 'nickname of the service, where `identify` is `nickserv`'),
  burst: integer(5, 1, 100, 'lines that may go at once'),
  interval: integer(2000, 1, 60_000, 'milliseconds for each line after those'),
} as const
export type IrcSettings = typeof SETTINGS
