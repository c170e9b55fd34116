import { bigintArray, textArray } from './arrays.ts'
import type { Database } from './database.ts'
import { StoreError } from './errors.ts'
import { isTransient } from './failures.ts'
import type { Owner } from './owner.ts'
import { sql } from './sql.ts'
import type { Log } from './store.ts'

const EVERY = 20
const BATCH = 500
/** What is forgotten beyond this is delivered once more, never lost. */
const MAX_WAITING = 200_000
const RETRY_AFTER = 1000

// A row that nobody keeps goes together with its mark. The bounds let the planner leave out partitions.
const sweep = (marks: string, bounds: string) => `
  WITH cleared AS (${marks} RETURNING o.owner, o.id, o.kept)
  DELETE FROM message_log m USING cleared c WHERE NOT c.kept AND m.owner = c.owner AND m.id = c.id AND ${bounds}`
const clear = sql(
  'log-clear-owed',
  sweep(
    'DELETE FROM owed o USING unnest($1::text[], $2::bigint[]) AS g(owner, id) WHERE o.owner = g.owner AND o.id = g.id',
    'm.id BETWEEN $3 AND $4',
  ),
)
const clearUpTo = sql('log-clear-owed-to', sweep('DELETE FROM owed o WHERE o.owner = $1 AND o.id <= $2', 'm.id <= $2'))
const handedOn = sql(
  'log-handed-on',
  'DELETE FROM outbox o USING unnest($1::text[], $2::bigint[]) AS g(sm_id, k) WHERE o.sm_id = g.sm_id AND o.k <= g.k',
)

interface Mark {
  readonly owner: Owner
  readonly id: bigint
}

/** Clears marks in the background, many at once. Nobody waits for it: what it has not done at a crash is done again later. */
export class Sweeper {
  readonly #db: Database
  readonly #log: Log
  #marks: Mark[] = []
  #upTo = new Map<Owner, bigint>()
  #handedOn = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #closed = false

  constructor(db: Database, log: Log) {
    this.#db = db
    this.#log = log
  }

  clear(owner: Owner, ids: readonly bigint[]): void {
    for (const id of ids) this.#marks.push({ owner, id })
    if (this.#marks.length > MAX_WAITING) this.#marks = this.#marks.slice(-MAX_WAITING / 2)
    this.#schedule()
  }

  clearUpTo(owner: Owner, id: bigint): void {
    if (id > (this.#upTo.get(owner) ?? -1n)) this.#upTo.set(owner, id)
    this.#schedule()
  }

  handedOn(smId: string, k: number): void {
    if (k > (this.#handedOn.get(smId) ?? -1)) this.#handedOn.set(smId, k)
    this.#schedule()
  }

  /** Resolves when everything queued before is done, by whomever; rejects where the database refuses. */
  async flush(): Promise<void> {
    while (this.#running) await this.#running
    clearTimeout(this.#timer)
    this.#timer = undefined
    const sweeping = this.#sweep()
    this.#running = sweeping.then(
      () => this.#rest(EVERY),
      () => this.#rest(RETRY_AFTER),
    )
    await sweeping
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.flush().catch((error: Error) => this.#log('warn', `Marks were not cleared: ${error.message}`))
  }

  #schedule(after = EVERY): void {
    if (this.#timer || this.#running || this.#closed) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#running = this.#tryToSweep()
    }, after)
  }

  async #tryToSweep(): Promise<void> {
    try {
      await this.#sweep()
      this.#rest(EVERY)
    } catch (error) {
      const wait = (error instanceof StoreError && error.code === 'unavailable') || isTransient(error)
      if (!wait) this.#log('error', `Marks of delivered messages cannot be cleared: ${(error as Error).message}`)
      this.#rest(RETRY_AFTER)
    }
  }

  #rest(pause: number): void {
    this.#running = undefined
    if (this.#marks.length + this.#upTo.size + this.#handedOn.size > 0) this.#schedule(pause)
  }

  async #sweep(): Promise<void> {
    while (this.#marks.length > 0) await this.#sweepMarks(this.#marks.splice(0, BATCH))
    for (const [owner, id] of this.#upTo) {
      await this.#db.run(clearUpTo, owner, id)
      if (this.#upTo.get(owner) === id) this.#upTo.delete(owner)
    }
    if (this.#handedOn.size === 0) return
    const done = [...this.#handedOn]
    await this.#db.run(handedOn, textArray(done.map(([smId]) => smId)), bigintArray(done.map(([, k]) => k)))
    for (const [smId, k] of done) if (this.#handedOn.get(smId) === k) this.#handedOn.delete(smId)
  }

  async #sweepMarks(marks: readonly Mark[]): Promise<void> {
    const ids = marks.map(mark => mark.id)
    const { low, high } = range(ids)
    try {
      await this.#db.run(clear, textArray(marks.map(mark => mark.owner)), bigintArray(ids), low, high)
    } catch (error) {
      this.#marks.unshift(...marks)
      throw error
    }
  }
}

function range(ids: readonly bigint[]): { low: bigint; high: bigint } {
  let low = ids[0]!
  let high = low
  for (const id of ids) {
    if (id < low) low = id
    if (id > high) high = id
  }
  return { low, high }
}
