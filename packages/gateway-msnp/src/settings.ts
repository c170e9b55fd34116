import { flag, port, text } from '@parley/adapter'

export const settings = {
  host: text('messenger.hotmail.com', 'host of the server'),
  port: port(1863),
  tls: flag(false, 'TLS from the first byte: only servers of today have it'),
  nexus: text('https://nexus.passport.com/rdr/pprdr.asp', 'URL that names the sign-in service'),
} as const
