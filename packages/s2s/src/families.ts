import type { Federation } from './federation.ts'

/** As @parley/http has it, in the part that is used here. */
interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly unit?: 'bytes'
  readonly help: string
  readonly samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[]
}

/** Figures of streams with other servers. A domain is named only where its record says that it is monitored. */
export function federationFamilies({ incoming, links, partners, border, traffic }: Federation): Family[] {
  const streams = counts(['negotiating', 'proven'], incoming, ({ domains }) =>
    domains.size > 0 ? 'proven' : 'negotiating',
  )
  const ways = [...links]
  const waiting = ways.reduce((sum, link) => sum + link.waiting, 0)
  const { received, sent } = traffic.total
  return [
    {
      name: 'parley_federation_streams',
      type: 'gauge',
      help: 'Streams that other servers have opened.',
      samples: by('state', streams),
    },
    {
      name: 'parley_federation_links',
      type: 'gauge',
      help: 'Ways to other domains, by whether there is a stream.',
      samples: by(
        'state',
        counts(['idle', 'opening', 'open', 'resting'], ways, ({ state }) => state),
      ),
    },
    {
      name: 'parley_federation_waiting',
      type: 'gauge',
      help: 'Stanzas that other servers have not acknowledged.',
      samples: [{ value: waiting }],
    },
    {
      name: 'parley_federation_traffic_bytes',
      type: 'counter',
      unit: 'bytes',
      help: 'Bytes on connections with other servers.',
      samples: by('direction', { in: received, out: sent }),
    },
    {
      name: 'parley_federation_refused',
      type: 'counter',
      help: 'Stanzas and streams that were turned away, by what forbids them.',
      samples: by('reason', border.refused),
    },
    {
      name: 'parley_federation_limits',
      type: 'counter',
      help: 'How often other domains came to a limit.',
      samples: by('limit', border.standings.hits),
    },
    {
      name: 'parley_federation_partners',
      type: 'gauge',
      help: 'Records of other domains.',
      samples: by(
        'state',
        counts(['allowed', 'blocked'], partners.records.values(), ({ state }) => state),
      ),
    },
    {
      name: 'parley_federation_partner_stanzas',
      type: 'counter',
      help: 'Stanzas of monitored domains.',
      samples: [...border.monitored()].flatMap(({ partner: domain, stanzas }) =>
        Object.entries(stanzas).map(([direction, value]) => ({ labels: { domain, direction }, value })),
      ),
    },
  ]
}

function by(label: string, values: Readonly<Record<string, number>>): Family['samples'] {
  return Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }))
}

/** How many there are of each kind; those of which there are none are 0. */
function counts<T>(kinds: readonly string[], all: Iterable<T>, kindOf: (one: T) => string): Record<string, number> {
  const found = Object.fromEntries(kinds.map(kind => [kind, 0]))
  for (const one of all) found[kindOf(one)] = (found[kindOf(one)] ?? 0) + 1
  return found
}
