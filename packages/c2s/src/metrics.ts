import type { Family } from '@parley/http'
import type { Certificates } from '@parley/wire'
import type { DoorCounts } from './counts.ts'

/**
 * Figures of the listeners.
 *
 * @param doors by their keys under `listen`
 * @param pending connections that are not yet, or no longer, streams
 */
export function listenerFamilies(doors: ReadonlyMap<string, DoorCounts>, pending: number): Family[] {
  const each = [...doors]
  return [
    {
      name: 'parley_connections_accepted',
      type: 'counter',
      help: 'Connections by listener.',
      samples: each.map(([listener, { accepted }]) => ({ labels: { listener }, value: accepted })),
    },
    {
      name: 'parley_connections_refused',
      type: 'counter',
      help: 'Connections that were not let in, by listener and reason.',
      samples: each.flatMap(([listener, { refused }]) =>
        Object.entries(refused).map(([reason, value]) => ({ labels: { listener, reason }, value })),
      ),
    },
    {
      name: 'parley_tls_handshakes',
      type: 'counter',
      help: 'TLS handshakes by listener and result.',
      samples: each.flatMap(([listener, { handshakes }]) =>
        Object.entries(handshakes ?? {}).map(([result, value]) => ({ labels: { listener, result }, value })),
      ),
    },
    {
      name: 'parley_connections_pending',
      type: 'gauge',
      help: 'Connections in a PROXY header or TLS handshake, or in a stanza that does not end.',
      samples: [{ value: pending }],
    },
  ]
}

/** When the certificates end. */
export function certificateFamilies(certificates: Certificates, domains: Iterable<string>): Family[] {
  const samples = [...domains].flatMap(domain => {
    const found = certificates.describe(domain)
    return found ? [{ labels: { domain }, value: found.expires / 1000 }] : []
  })
  return [
    {
      name: 'parley_certificate_expiry_timestamp_seconds',
      type: 'gauge',
      unit: 'seconds',
      help: 'When the certificate of a domain ends, since 1970.',
      samples,
    },
  ]
}
