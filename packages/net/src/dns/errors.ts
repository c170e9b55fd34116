/**
 * Why a question has no answer:
 * - `nxdomain` the name does not exist, `nodata` it has no such records;
 * - `servfail` the server could not find out, or the answer is forged (a validating server says no more than that);
 * - `timeout` nobody answered, `refused` the server does not answer us;
 * - `declined` the domain says that it has no such service (RFC 2782: the target `.`);
 * - `badname` no name of DNS can be made of it.
 */
export type DnsFailure = 'nxdomain' | 'nodata' | 'servfail' | 'timeout' | 'refused' | 'declined' | 'badname'

/** A question to DNS that has no answer. */
export class DnsError extends Error {
  override readonly name = 'DnsError'
  readonly code: DnsFailure
  /** DNSSEC proves that there is nothing. */
  readonly secure: boolean

  constructor(code: DnsFailure, message: string, { secure = false } = {}) {
    super(message)
    this.code = code
    this.secure = secure
  }

  /** DNS has answered, and the answer is no. */
  get isDenial(): boolean {
    return this.code === 'nxdomain' || this.code === 'nodata'
  }
}
