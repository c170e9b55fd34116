import { flag, port, text } from '@parley/adapter'

export const settings = {
  host: text('scs.msg.yahoo.com', 'host of the server'),
  port: port(5050),
  tls: flag(false, 'TLS from the first byte: only servers of today have it'),
} as const
