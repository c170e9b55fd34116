/** How a message came to a client: on its stream, read from the archive, or as the copy of what another client has. */
export type Way = 'stream' | 'archive' | 'copy'

/**
 * What a client did and saw, in its order; `at` is in milliseconds since the run began. A session is one stream lineage: it
 * goes on through resumptions, and a new one begins with each binding. `k` counts what a client has sent in a session.
 */
export type Event = { readonly at: number } & (
  | { readonly what: 'bound'; readonly session: string }
  /** What was missed before the session began has been read. */
  | { readonly what: 'caughtUp'; readonly session: string }
  /** The server has not known the session (any more): `took` ms from the question to its answer. */
  | { readonly what: 'failed'; readonly session: string; readonly took: number; readonly h: number | undefined }
  /** `took` ms from the loss of the connection, failed attempts included. */
  | { readonly what: 'resumed'; readonly session: string; readonly took: number; readonly h: number }
  /** The connection is gone; `why` is what the server said, or nothing. */
  | { readonly what: 'lost'; readonly session: string; readonly why: string }
  | { readonly what: 'sent'; readonly session: string; readonly k: number; readonly stream: string; readonly n: number }
  /** The server has said that it answers for all up to k = `h`. */
  | { readonly what: 'acked'; readonly session: string; readonly h: number }
  /** The server has sent a message back as an error: the sender knows. */
  | { readonly what: 'refused'; readonly stream: string; readonly n: number; readonly why: string }
  | {
      readonly what: 'got'
      readonly session: string
      readonly way: Way
      readonly stream: string
      readonly n: number
      /** The id in the account's archive (XEP-0359). */
      readonly id: string | undefined
    }
  | { readonly what: 'asked'; readonly session: string; readonly id: string }
  | { readonly what: 'answered'; readonly session: string; readonly id: string }
  | { readonly what: 'presence'; readonly from: string; readonly isAvailable: boolean }
  /** A client that never comes back went away; the server may keep its session for `hold` ms. */
  | { readonly what: 'died'; readonly jid: string; readonly hold: number }
)

/** Messages with numbers from 1, from one client to one account. */
export interface Stream {
  readonly name: string
  /** Names of the clients that must get all of them. */
  readonly watchers: readonly string[]
  /** Whose archives must have them. */
  readonly accounts: readonly string[]
  /** Whoever gets them is slow by intention: times do not count. */
  readonly isSlow?: boolean
}

/** Something that a nemesis did: from when to when (ms) something was away; equal: only a moment. */
export interface Fault {
  readonly kind: string
  readonly from: number
  readonly to: number
}

/** What a whole archive says after the run: the numbers of each stream in its order, and their ids. */
export interface ArchiveView {
  readonly account: string
  readonly rows: readonly { readonly stream: string; readonly n: number; readonly id: string }[]
}

/** All that happened in a run; the checker reads nothing else. */
export interface History {
  readonly streams: readonly Stream[]
  readonly clients: Readonly<Record<string, readonly Event[]>>
  readonly faults: readonly Fault[]
  readonly archives: readonly ArchiveView[]
  /** When the run was over (ms). */
  readonly end: number
  /** How long the server may take beyond the hold time to notice that a client is gone for ever (ms). */
  readonly grace: number
}

/** Where clients write what happens to them. */
export class Recorder {
  readonly #began = performance.now()
  readonly #grace: number
  readonly clients: Record<string, Event[]> = {}
  readonly faults: Fault[] = []
  readonly archives: ArchiveView[] = []
  readonly streams: Stream[] = []

  constructor(grace: number) {
    this.#grace = grace
  }

  now(): number {
    return performance.now() - this.#began
  }

  of(client: string): Event[] {
    this.clients[client] ??= []
    return this.clients[client]
  }

  fault(kind: string, from = this.now(), to = from): void {
    this.faults.push({ kind, from, to })
  }

  end(): History {
    const { streams, clients, faults, archives } = this
    return { streams, clients, faults, archives, end: this.now(), grace: this.#grace }
  }
}
