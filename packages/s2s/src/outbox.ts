import { errorOf, mayBounce, StanzaError } from '@parley/stanza'
import { domainsOfWay, firstIdAt, type Owner } from '@parley/store'
import { isPromise, type Server, Transit } from '@xmpp/server-core'
import type { Pair } from './dialback.ts'
import { type Entry, entryOf, isStale, ownerOf } from './entry.ts'

/** Rows that are read at once. */
const PAGE = 500
/** Ids that are remembered after their rows are done with. */
const REMEMBERED = 10_000

/** The rows of the message log that are owed to other domains, as this node knows them. */
export class Outbox {
  readonly #server: Server
  /** Whether this node may still say anything: others answer for what it had when they have given it up. */
  readonly #mayAnswer: () => boolean
  /** Rows that are done with: their marks may still be there. */
  readonly #done = new Recent()
  /** The last answers of ways, which senders do not have yet. */
  readonly #answers = new Map<Owner, Promise<void>>()

  constructor(server: Server, mayAnswer: () => boolean) {
    this.#server = server
    this.#mayAnswer = mayAnswer
  }

  /** Whether it was delivered or answered lately. */
  isKnown(id: bigint): boolean {
    return this.#done.has(id)
  }

  /** The peer has handled what has these rows, or the sender was answered. */
  done(pair: Pair, ids: readonly bigint[]): void {
    for (const id of ids) this.#done.add(id)
    this.#server.store.messages.clearOwed(ownerOf(pair), ids)
  }

  /** Tells a sender that its stanza was not delivered; the row goes when it has the answer. */
  refuse(pair: Pair, { stanza, id }: Entry, error: StanzaError): void {
    const { router, log } = this.#server
    if (id !== undefined) this.#done.add(id)
    const finish = () => {
      if (id !== undefined && this.#mayAnswer()) this.done(pair, [id])
    }
    const way = ownerOf(pair)
    const before = this.#answers.get(way)
    const transit = new Transit()
    // Errors are kept where their messages are: whichever row is durable first, they are seen in the order of what they answer.
    if (before) transit.gate(before)
    const answered = mayBounce(stanza) ? router.handle(errorOf(stanza, error), transit) : undefined
    if (!isPromise(answered)) {
      finish()
      return
    }
    const done: Promise<void> = answered
      .then(finish, (problem: unknown) => {
        if (id !== undefined) this.#done.delete(id)
        log.error('a sender was not told what became of a stanza', { ...pair, error: problem })
      })
      .then(() => {
        if (this.#answers.get(way) === done) this.#answers.delete(way)
      })
    this.#answers.set(way, done)
  }

  /** All that is owed to a way, oldest first; what is younger than `age` (ms) only where that is 0. */
  async owed(way: Owner, age = 0): Promise<Entry[]> {
    const { store, clock } = this.#server
    const pair = domainsOfWay(way)
    const now = clock.now()
    const limit = age > 0 ? firstIdAt(now - age) : undefined
    const entries: Entry[] = []
    for (let after: bigint | undefined; ; ) {
      const rows = await store.messages.owedFor(way, PAGE, after)
      for (const row of rows) {
        if (this.#done.has(row.id) || (limit !== undefined && row.id >= limit)) continue
        const entry = entryOf(row, pair, now)
        if (isStale(entry, now)) this.refuse(pair, entry, tooLate(pair))
        else entries.push(entry)
      }
      after = rows.at(-1)?.id
      if (rows.length < PAGE || (limit !== undefined && after! >= limit)) return entries
    }
  }
}

function tooLate({ to }: Pair): StanzaError {
  return new StanzaError('remote-server-timeout', `${to} could not be asked in time`)
}

/** The newest of what was put in, some ten thousand: who comes again is known. */
class Recent {
  #now = new Set<bigint>()
  #before: ReadonlySet<bigint> = new Set()

  add(id: bigint): void {
    this.#now.add(id)
    if (this.#now.size < REMEMBERED) return
    this.#before = this.#now
    this.#now = new Set()
  }

  delete(id: bigint): void {
    this.#now.delete(id)
  }

  has(id: bigint): boolean {
    return this.#now.has(id) || this.#before.has(id)
  }
}
