/** How far a try came: to a connection, to a stream, to TLS, to the question who we are. The one that came furthest tells most. */
export const REACHED = { nothing: 0, connection: 1, stream: 2, tls: 3, proof: 4 } as const
export type Reached = (typeof REACHED)[keyof typeof REACHED]

/** Why a stream to another server came to nothing. */
export class PeerError extends Error {
  override readonly name = 'PeerError'
  /** Whether another server of the same domain may do better. */
  readonly elsewhere: boolean
  /** As DnsError has it, where the domain has no server at all. */
  readonly code: 'nodata' | undefined
  /** {@link REACHED}; set by the stream that fails. */
  reached: Reached = REACHED.nothing

  constructor(
    message: string,
    { elsewhere = true, code }: { readonly elsewhere?: boolean; readonly code?: 'nodata' } = {},
  ) {
    super(message)
    this.elsewhere = elsewhere
    this.code = code
  }
}
