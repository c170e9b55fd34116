/** RFC 2782. */
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** A name in lower case without the final dot; `.` says that the service is not here. */
  readonly target: string
}

/** RFC 6698 §2.1. */
export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matching: number
  readonly data: Buffer
}

/** What records of each type hold; those of A and AAAA are addresses. */
export interface RecordOf {
  readonly SRV: SrvRecord
  readonly A: string
  readonly AAAA: string
  readonly TLSA: TlsaRecord
}
export type RecordType = keyof RecordOf

export interface Answer<T> {
  /** The name that has the records: the one that was asked for, or the end of its aliases. */
  readonly name: string
  /** At least one. */
  readonly records: readonly T[]
  /** Authenticated by DNSSEC, as a server says that is believed. */
  readonly secure: boolean
}

const NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*$/

/** Whether DNS may be asked for it: lower case, no final dot, labels of 1 to 63 bytes, 253 in all (RFC 1035 §2.3.4). */
export function isName(text: string): boolean {
  return NAME.test(text)
}

/** As names are compared and kept here (RFC 4343). */
export function plainName(name: string): string {
  return name.replace(/(?<=.)\.$/, '').toLowerCase()
}
