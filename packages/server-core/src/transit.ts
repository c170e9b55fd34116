import type { Stanza } from '@parley/stanza'
import { type Awaitable, isPromise } from './awaitable.ts'
import type { Session } from './session.ts'

/**
 * One stanza on its way through the server, in two stages. The first decides, rewrites and hands rows to the message log;
 * what must be durable before anybody may see an effect is a gate. The second stage (copies, delivery) waits for the gates
 * and for the stanzas of the same session before it, so order holds while commits are shared.
 */
export class Transit {
  /** The session that sent the stanza, when one of ours did. */
  readonly session: Session | undefined
  /** Its number among the session's stanzas (XEP-0198); 0 when they are not counted. */
  readonly k: number
  /** What the session sent, for an error that comes late. */
  stanza: Stanza | undefined
  #gates: Promise<unknown>[] | undefined
  #effects: (() => Awaitable<void>)[] | undefined

  constructor(session?: Session, k = 0) {
    this.session = session
    this.k = k
  }

  /** Nothing happens to the outside before this has come. */
  gate(durable: Promise<unknown>): void {
    this.#gates ??= []
    this.#gates.push(durable)
  }

  /** Adds an effect of the second stage. */
  effect(run: () => Awaitable<void>): void {
    this.#effects ??= []
    this.#effects.push(run)
  }

  get gates(): Promise<unknown> | undefined {
    return this.#gates === undefined ? undefined : Promise.all(this.#gates)
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
