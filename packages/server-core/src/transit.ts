import type { Stanza } from '@parley/stanza'
import type { LogEntry, MessageLog } from '@parley/store'
import { type Awaitable, isPromise } from './awaitable.ts'
import type { Session } from './session.ts'

/** A stanza's number in the session that sent it. */
export interface Origin {
  readonly sid: string
  readonly account: string
  readonly epoch: number
  readonly k: number
}

/**
 * One stanza on its way through the server, in two stages. The first decides, rewrites and hands rows to the message log;
 * what must be durable before anybody may see an effect is a gate. The second stage (copies, delivery) waits for the gates
 * and for the stanzas of the same session before it, so order holds while commits are shared.
 */
export class Transit {
  /** The session that sent the stanza, when one of this node did. */
  readonly session: Session | undefined
  /** Its number among the session's stanzas (XEP-0198); 0 when they are not counted. */
  readonly k: number
  readonly #origin: Origin | undefined
  /** What the session sent, for an error that comes late. */
  stanza: Stanza | undefined
  #gates: Promise<unknown>[] | undefined
  #rows: LogEntry[] | undefined
  #stored: ((id: bigint) => void)[] | undefined
  #failed: (() => void) | undefined
  #effects: (() => Awaitable<void>)[] | undefined
  #behind: Promise<unknown>[] | undefined

  constructor(session?: Session, k = 0, origin?: Origin) {
    this.session = session
    this.k = origin?.k ?? k
    this.#origin = origin
  }

  /** The client's session, when a client has sent the stanza, to this node or to another one. */
  get origin(): Origin | undefined {
    const { session, k } = this
    if (!session) return this.#origin
    return { sid: session.sid, account: session.account.text, epoch: session.epoch, k }
  }

  /** Nothing happens to the outside before this has come. */
  gate(durable: Promise<unknown>): void {
    this.#gates ??= []
    this.#gates.push(durable)
  }

  /**
   * Adds a row to what this stanza writes into the message log. `stored` hears its id when it is durable. A row that waits
   * for anything else of the first stage is given without an id: rows become visible in the order of their ids, since
   * readers go on behind the last one that they have seen. `failed`: it is not stored, and never will be.
   */
  log(row: LogEntry, stored: (id: bigint) => void = () => {}, failed?: () => void): void {
    this.#rows ??= []
    this.#rows.push(row)
    this.#stored ??= []
    this.#stored.push(stored)
    if (failed) this.#failed = failed
  }

  /**
   * What was started in its turn and need not be over before the next stanza has its own: the stanza counts as handled when
   * it is. Deliveries reach their queues in the order in which they were started.
   */
  behind(done: Promise<unknown>): void {
    this.#behind ??= []
    this.#behind.push(done)
  }

  /** All that was left {@link behind}; rejects as soon as something of it does. */
  get unfinished(): Promise<unknown> | undefined {
    const behind = this.#behind
    return behind && (behind.length === 1 ? behind[0] : Promise.all(behind))
  }

  /** Adds an effect of the second stage. */
  effect(run: () => Awaitable<void>): void {
    this.#effects ??= []
    this.#effects.push(run)
  }

  /**
   * The end of the first stage: hands the rows to the log in one piece, with the stanza's number (both sides of a message
   * and its count are there or none is), and gives what must come before the second stage.
   */
  durable(log: MessageLog): Promise<unknown> | undefined {
    if (this.#rows) {
      const { k } = this
      const origin = k > 0 ? this.origin : undefined
      const outbox = this.#origin !== undefined || (this.session?.server.live.isShared ?? false)
      const counted = origin && { smId: origin.sid, owner: origin.account, k, outbox, epoch: origin.epoch }
      const stored = this.#stored ?? []
      const ids = log.append(this.#rows, counted)
      this.gate(
        ids.then(
          all => {
            for (const [n, tell] of stored.entries()) tell(all[n]!)
          },
          (error: unknown) => {
            this.#failed?.()
            throw error
          },
        ),
      )
      this.#rows = undefined
    }
    const gates = this.#gates
    if (gates) return gates.length === 1 ? gates[0] : Promise.all(gates)
  }

  /** Runs the effects in order, at once as far as they go without waiting. */
  run(): Awaitable<void> {
    const effects = this.#effects
    if (effects) return runFrom(effects, 0)
  }
}

function runFrom(effects: readonly (() => Awaitable<void>)[], start: number): Awaitable<void> {
  for (let i = start; i < effects.length; i++) {
    const done = effects[i]!()
    if (isPromise(done)) return done.then(() => runFrom(effects, i + 1))
  }
}
