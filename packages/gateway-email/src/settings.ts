import { choice, flag, integer, port, secret, text } from '@parley/adapter'

export const SETTINGS = {
  host: text('', 'name or address of the mail server that takes what is sent'),
  port: port(25),
  security: choice('starttls', ['starttls', 'tls', 'none'], 'how the connection to it is protected'),
  trustAnything: flag(false, 'take any certificate: only for servers of your own'),
  username: text('', 'name for AUTH, where the server wants one'),
  password: secret('password for AUTH'),
  listenHost: text('127.0.0.1', 'address on which the mail server hands over what comes in (SMTP or LMTP)'),
  listenPort: integer(2525, 0, 65_535, 'port of it'),
  mailDomain: text('', 'domain of the addresses of users in mail; empty: the domain of this gateway'),
  userDomain: text('', 'domain of the users; empty: the domain of this gateway without its first label'),
  open: flag(false, 'take mail to plain addresses, not only answers'),
  verifier: text('', 'take only mail that this server says is genuine (Authentication-Results: … dmarc=pass)'),
  maxBytes: integer(2_097_152, 10_000, 52_428_800, 'bytes of one mail'),
} as const
export type EmailSettings = typeof SETTINGS
