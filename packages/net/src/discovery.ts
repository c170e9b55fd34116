import type { DnsError } from './dns/errors.ts'
import type { SrvRecord, TlsaRecord } from './dns/records.ts'
import type { Target, Targets } from './dns/targets.ts'

/** How each step of the way to another server ended, for whoever explains to people why there is no way. */
export type DiscoveryEvent =
  | SrvStep
  /** Where to try, in this order. */
  | {
      readonly step: 'targets'
      readonly kind: Targets['kind']
      readonly list: readonly Target[]
      readonly secure: boolean
    }
  | AddressStep
  /** We do not connect there: {@link ConnectRules}. `address` is absent where the port alone decides. */
  | {
      readonly step: 'refused'
      readonly host: string
      readonly port: number
      readonly address?: string
      readonly reason: 'network' | 'port'
    }
  | TcpStep
  | {
      readonly step: 'tlsa'
      readonly name: string
      readonly records: readonly TlsaRecord[]
      readonly secure: boolean
      readonly error?: DnsError
    }
  | {
      readonly step: 'posh'
      readonly url: string
      readonly result: 'found' | 'reference' | 'redirect' | 'failed'
      readonly error?: string
    }

export interface SrvStep {
  readonly step: 'srv'
  readonly name: string
  /** The service of XEP-0368, with TLS from the start. */
  readonly direct: boolean
  readonly result: 'found' | 'none' | 'declined' | 'failed'
  readonly records: readonly SrvRecord[]
  readonly secure: boolean
  readonly error?: DnsError
}

export interface AddressStep {
  readonly step: 'address'
  readonly host: string
  readonly family: 4 | 6
  readonly addresses: readonly string[]
  readonly secure: boolean
  readonly error?: DnsError
}

export interface TcpStep {
  readonly step: 'tcp'
  readonly host: string
  readonly port: number
  readonly address: string
  /** `given up`: another address was faster, or time was up. */
  readonly result: 'started' | 'connected' | 'failed' | 'given up'
  readonly error?: string
  /** Milliseconds since it was started. */
  readonly ms: number
}

export type Observe = (event: DiscoveryEvent) => void

/** What may be handed along with each question. */
export interface Asking {
  /** Ends the waiting: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly observe?: Observe | undefined
}
