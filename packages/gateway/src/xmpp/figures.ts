import type { Figures } from '@xmpp/server-core'
import type { AccountState, Engine } from '../engine.ts'
import type { Denial } from './access.ts'

const DENIALS: readonly Denial[] = ['disabled', 'retired', 'policy', 'seat', 'stranger', 'rooms']
/** Whoever is idle has no session. */
const STATES: readonly Exclude<AccountState, 'idle'>[] = [
  'connecting',
  'online',
  'degraded',
  'waiting',
  'needs-login',
  'replaced',
  'denied',
  'quarantined',
]

/**
 * Figures of other networks: those of this process.
 *
 * @param providers ids, with and without sessions
 * @param denials counts by `provider reason`
 */
export function gatewayFigures(
  engine: Engine,
  providers: readonly string[],
  denials: ReadonlyMap<string, number>,
): Figures[] {
  const sessions = new Map<string, number>()
  for (const [{ provider }, { state }] of engine.sessions()) {
    const key = `${provider} ${state}`
    sessions.set(key, (sessions.get(key) ?? 0) + 1)
  }
  // Those that are 0 too: only what is there before it grows shows that it has grown.
  const each = (kinds: readonly string[], label: string, counts: ReadonlyMap<string, number>) =>
    providers.flatMap(provider =>
      kinds.map(kind => ({ labels: { provider, [label]: kind }, value: counts.get(`${provider} ${kind}`) ?? 0 })),
    )
  return [
    {
      name: 'parley_gateway_sessions',
      type: 'gauge',
      help: 'Sessions at other networks that this process has, by how they are.',
      samples: each(STATES, 'state', sessions),
    },
    {
      name: 'parley_gateway_denied',
      type: 'counter',
      help: 'What users and strangers were denied, by network and reason.',
      samples: each(DENIALS, 'reason', denials),
    },
  ]
}
