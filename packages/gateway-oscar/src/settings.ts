import { flag, port, text } from '@parley/adapter'

export const settings = {
  host: text('login.oscar.aol.com', 'host of the server that lets people in'),
  port: port(5190),
  tls: flag(false, 'TLS from the first byte, also for the server that comes next: only servers of today have it'),
} as const
