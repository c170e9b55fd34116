import type { Outgoing } from '@parley/adapter'
import email from '@parley/gateway-email'
import { Stand, type StandOptions } from '../irc/context.ts'

export type EmailStand = Stand<typeof email.settings>

export const ROMEO = 'romeo@example.org'
let keys = 0

export function gateway(host: number, more: StandOptions<typeof email.settings> = {}): EmailStand {
  const settings = { host: '127.0.0.1', port: host, security: 'none', listenPort: 0, ...more.settings }
  return new Stand(email, { ...more, settings })
}

/** The port on which it takes mail. */
export function portOf(stand: EmailStand): number {
  const online = stand.events.find(event => event.type === 'state')
  return Number(/\d+$/.exec(online?.detail ?? '')![0])
}

export function mail(peer: string, text: string, more: Partial<Outgoing> = {}): Outgoing {
  return { key: `k${++keys}`, user: ROMEO, to: { peer }, text, receipt: false, ...more }
}
