import { type LiveStats, liveStats } from '@parley/live'
import type { Server, StanzaCounts } from '@xmpp/server-core'
import { type Family, single } from './openmetrics.ts'

const seconds = 'seconds' as const

/** Figures of a front end: streams, stanzas, logins, live state. */
export function serverFamilies(server: Server): Family[] {
  const { counters, router, draining } = server
  return [
    single('gauge', { name: 'parley_draining', help: '1 while the server is going down.' }, draining ? 1 : 0),
    streams(server),
    stanzas('parley_stanzas_received', 'Stanzas that came in, by kind.', counters.received),
    stanzas('parley_stanzas_sent', 'Stanzas that went out, by kind.', counters.sent),
    single(
      'counter',
      { name: 'parley_stanzas_bounced', help: 'Stanzas that went back to their senders as errors.' },
      router.bounced,
    ),
    {
      name: 'parley_logins',
      type: 'counter',
      help: 'Logins by SASL mechanism and result.',
      samples: [...counters.logins].flatMap(([mechanism, results]) =>
        Object.entries(results).map(([result, value]) => ({ labels: { mechanism, result }, value })),
      ),
    },
    ...liveFamilies(liveStats(server.live)),
  ]
}

function streams(server: Server): Family {
  const counts = new Map<string, number>()
  for (const { session, account, wire } of server.streams) {
    const key = `${session ? 'bound' : account ? 'authenticated' : 'negotiating'} ${wire.kind}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const samples = ['negotiating', 'authenticated', 'bound'].flatMap(state =>
    ['tcp', 'tls', 'websocket'].map(transport => ({
      labels: { state, transport },
      value: counts.get(`${state} ${transport}`) ?? 0,
    })),
  )
  return { name: 'parley_streams', type: 'gauge', help: 'Streams of clients by state.', samples }
}

function stanzas(name: string, help: string, links: Readonly<Record<string, StanzaCounts>>): Family {
  const samples = Object.entries(links).flatMap(([link, { message, presence, iq }]) =>
    Object.entries({ message, presence, iq }).map(([kind, value]) => ({ labels: { link, kind }, value })),
  )
  return { name, type: 'counter', help, samples }
}

/** Families of a driver that gives no figures have no samples: what reads them finds their names all the same. */
function liveFamilies(stats: LiveStats | undefined): Family[] {
  const redis = stats?.redis
  const value = (found: number | undefined) => (found === undefined ? [] : [{ value: found }])
  const gauge = (name: string, help: string, found: number | undefined): Family => ({
    name,
    type: 'gauge',
    help,
    samples: value(found),
    ...(name.endsWith('_seconds') ? { unit: seconds } : {}),
  })
  const counter = (name: string, help: string, found: number | undefined): Family => ({
    name,
    type: 'counter',
    help,
    samples: value(found),
  })
  return [
    gauge('parley_sessions', 'Sessions of this process.', stats?.sessions),
    gauge('parley_sessions_held', 'Sessions whose client is away and may come back.', stats?.held),
    gauge('parley_sessions_queued', 'Sessions whose packets are kept until acknowledged.', stats?.queuedSessions),
    gauge('parley_packets_waiting', 'Packets that are kept for sessions.', stats?.packetsWaiting),
    counter('parley_redis_operations', 'Operations on Redis.', redis?.operations),
    {
      name: 'parley_redis_batch_seconds',
      type: 'summary',
      unit: seconds,
      help: 'From sending a batch of operations to its last answer.',
      samples: redis ? [{ value: { count: redis.batches, sum: redis.seconds } }] : [],
    },
    gauge('parley_redis_slowest_batch_seconds', 'The slowest batch since the last scrape.', redis?.slowest),
    counter('parley_redis_reconnects', 'Connections to Redis that were made again.', redis?.reconnects),
    counter('parley_redis_fences', 'How often state was given up to be safe.', redis?.fences),
    gauge('parley_redis_lease_remaining_seconds', 'What is left of the shortest lease.', redis?.leaseRemaining),
    gauge('parley_redis_nodes', 'Processes that are alive.', redis?.nodes),
  ]
}
