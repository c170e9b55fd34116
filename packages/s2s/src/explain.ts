import type { DiscoveryEvent } from '@parley/net'
import type { CertificateDescription } from '@parley/wire'
import type { Negotiation } from './negotiation.ts'
import type { Voucher } from './trust.ts'

export type Step = DiscoveryEvent | Negotiation | OwnCertificate

/** What others will think of us. */
export interface OwnCertificate {
  readonly step: 'own'
  readonly domain: string
  readonly certificate: CertificateDescription
  readonly now: number
}

/** One line of the account that `parley federation test` gives: what was tried, and what came of it. */
export interface Explained {
  readonly step: string
  readonly result: string
  readonly detail: string
}

/** A step in words for an operator. */
export function explain(event: Step): Explained {
  const line = (step: string, result: string, detail = ''): Explained => ({ step, result, detail })
  switch (event.step) {
    case 'own':
      return line(`our certificate for ${event.domain}`, ...ownOf(event))
    case 'srv': {
      const found = event.records.map(({ target, port }) => `${target}:${port}`).join(', ')
      const words = { found: 'found', none: 'no such record', declined: 'declined', failed: 'failed' }
      const detail =
        event.result === 'declined' ? 'the record says ".": this service is not offered' : event.error?.message
      return line(`DNS SRV ${event.name}`, words[event.result], event.result === 'found' ? found : String(detail ?? ''))
    }
    case 'targets':
      return line('where to connect', event.kind, event.list.map(({ host, port }) => `${host}:${port}`).join(', '))
    case 'address':
      return line(
        `DNS ${event.family === 4 ? 'A' : 'AAAA'} ${event.host}`,
        event.addresses.length > 0 ? 'found' : 'nothing',
        event.addresses.length > 0 ? event.addresses.join(', ') : (event.error?.message ?? ''),
      )
    case 'refused': {
      const why = event.reason === 'port' ? 'not a port for XMPP' : 'a private address: federation.allow opens networks'
      return line(`connect to ${event.address ?? event.host}:${event.port}`, 'not tried', why)
    }
    case 'tcp':
      return line(
        `connect to ${event.address}:${event.port}`,
        event.result,
        event.error ?? `${event.result === 'given up' ? 'no answer in ' : ''}${Math.round(event.ms)} ms`,
      )
    case 'tlsa':
      return line(`DNS TLSA ${event.name}`, `${event.records.length} records`, event.secure ? 'DNSSEC' : 'no DNSSEC')
    case 'posh':
      return line(`POSH ${event.url}`, event.result, event.error)
    case 'stream':
      return line('stream', 'opened', event.version === undefined ? 'a server from before XMPP 1.0' : undefined)
    case 'features':
      return line('features', event.names.join(', ') || 'none')
    case 'tls':
      return line(
        'TLS',
        `${event.protocol} ${event.cipher}`,
        event.judgement.proven ? GOOD[event.judgement.by] : event.judgement.why,
      )
    case 'proof':
      return line(`our proof by ${event.how}`, event.result)
  }
}

const GOOD: Readonly<Record<Voucher, string>> = {
  pkix: 'its certificate is good',
  dane: 'its certificate is the one of its TLSA records (DANE)',
  posh: 'its certificate is the one that its web server names (POSH)',
}

/** Others judge it by these rules too; where it is not good, dialback has to do. */
function ownOf({ domain, certificate, now }: OwnCertificate): [result: string, detail: string] {
  const { namesDomain, names, expires, selfSigned } = certificate
  const until = new Date(expires).toISOString().slice(0, 10)
  if (expires < now) return ['warning', `it expired on ${until}: renew it`]
  if (!namesDomain) return ['warning', `it is for ${names.join(', ') || 'no domain'}, not for ${domain}`]
  if (selfSigned) return ['warning', 'it is self-signed: only servers that take dialback will speak with us']
  return ['good', `until ${until}`]
}
