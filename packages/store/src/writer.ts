import { setTimeout as delay } from 'node:timers/promises'
import { commit, type Write } from './batch.ts'
import { StoreError } from './errors.ts'
import { isBadData, isTransient } from './failures.ts'
import type { ArchiveIds } from './ids.ts'
import type { Link } from './link.ts'
import type { Inbound, LogEntry } from './messages.ts'
import { type StoreStats, WriterCounts } from './stats.ts'
import type { Log } from './store.ts'

const BATCH_ROWS = 200
const BATCH_CHARS = 1 << 20
/** Rows that wait when `pressure` is 1. */
const HIGH_WATER = 1000
const MAX_ROWS = 20_000
const MAX_CHARS = 64 << 20
/** How long a close waits for a database that is away. */
const CLOSE_PATIENCE = 10_000

interface Waiting extends Write {
  readonly chars: number
  readonly resolve: (ids: readonly bigint[]) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Appends rows in order, on one connection, one transaction at a time; while one is under way the next batch collects. So a lone
 * row waits for nothing, and under load commits are shared by up to {@link BATCH_ROWS} rows.
 */
export class LogWriter {
  readonly #link: Link
  readonly #ids: ArchiveIds
  readonly #clock: () => number
  readonly #log: Log
  readonly #counts = new WriterCounts()
  #queue: Waiting[] = []
  #rows = 0
  #chars = 0
  #draining: Promise<void> | undefined
  #giveUpAt = Number.POSITIVE_INFINITY
  #closed = false
  #relief: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  constructor(link: Link, ids: ArchiveIds, clock: () => number, log: Log) {
    this.#link = link
    this.#ids = ids
    this.#clock = clock
    this.#log = log
  }

  get pressure(): number {
    return this.#rows / HIGH_WATER
  }

  get stats(): StoreStats {
    const { batchRows, commitSeconds, retries } = this.#counts
    return { rowsWaiting: this.#rows, batchRows, commitSeconds, retries }
  }

  relieved(): Promise<void> {
    if (this.pressure < 0.5) return Promise.resolve()
    if (!this.#relief) {
      let resolve = () => {}
      const promise = new Promise<void>(done => {
        resolve = done
      })
      this.#relief = { promise, resolve }
    }
    return this.#relief.promise
  }

  append(entries: readonly LogEntry[], inbound?: Inbound): Promise<readonly bigint[]> {
    if (this.#closed) return Promise.reject(new StoreError('closed', 'The store is closed'))
    const chars = entries.reduce((sum, { stanza }) => sum + stanza.length, 0)
    // An oversized write is let in when it is alone, so that it is judged by the database.
    if (this.#rows > 0 && (this.#rows + entries.length > MAX_ROWS || this.#chars + chars > MAX_CHARS)) {
      return Promise.reject(new StoreError('busy', 'Too many messages wait for the database'))
    }
    const ids = entries.map(entry => entry.id ?? this.#ids.next())
    return new Promise((resolve, reject) => {
      this.#queue.push({ entries, ids, inbound, chars, resolve, reject })
      this.#rows += weight(entries)
      this.#chars += chars
      this.#draining ??= this.#drain()
    })
  }

  /** Resolves when all that was appended before is committed, or refused. */
  async flush(): Promise<void> {
    if (this.#rows > 0 && !this.#closed) await this.append([])
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#giveUpAt = Date.now() + CLOSE_PATIENCE
    await this.#draining
    await this.#link.close()
  }

  async #drain(): Promise<void> {
    // Let everything that this turn of the event loop reads from the sockets come along.
    await new Promise<void>(resolve => setImmediate(resolve))
    while (this.#queue.length > 0) await this.#store(this.#take())
    this.#draining = undefined
  }

  #take(): Waiting[] {
    let rows = 0
    let chars = 0
    let length = 0
    for (const write of this.#queue) {
      rows += weight(write.entries)
      chars += write.chars
      if (length > 0 && (rows > BATCH_ROWS || chars > BATCH_CHARS)) break
      length++
    }
    return this.#queue.splice(0, length)
  }

  async #store(writes: readonly Waiting[]): Promise<void> {
    try {
      await this.#persist(writes)
      this.#settle(writes, write => (write.fenced ? write.reject(fenced()) : write.resolve(write.ids)))
    } catch (error) {
      if (!isBadData(error) || writes.length === 1) {
        this.#settle(writes, write => write.reject(error))
        return
      }
      // One of them cannot be stored: halve the batch until it stands alone, so that the others are not refused with it.
      const middle = writes.length >> 1
      await this.#store(writes.slice(0, middle))
      await this.#store(writes.slice(middle))
    }
  }

  async #persist(writes: readonly Waiting[]): Promise<void> {
    for (let pause = 50; ; pause = Math.min(pause * 2, 2000)) {
      try {
        const began = performance.now()
        await commit(this.#link, writes, this.#clock())
        this.#counts.committed(rowsOf(writes), performance.now() - began)
        if (pause > 50) this.#log('info', 'The message log is being written again')
        return
      } catch (error) {
        const away = (error instanceof StoreError && error.code === 'unavailable') || isTransient(error)
        if (!away || Date.now() > this.#giveUpAt) throw error
        if (pause === 50)
          this.#log('warn', `The message log cannot be written, trying again: ${(error as Error).message}`)
        this.#counts.retries++
        await delay(pause)
      }
    }
  }

  #settle(writes: readonly Waiting[], settle: (write: Waiting) => void): void {
    for (const write of writes) {
      this.#rows -= weight(write.entries)
      this.#chars -= write.chars
      settle(write)
    }
    if (this.#relief && this.pressure < 0.5) {
      this.#relief.resolve()
      this.#relief = undefined
    }
  }
}

function fenced(): StoreError {
  return new StoreError('fenced', 'The stream has another owner')
}

function rowsOf(writes: readonly Write[]): number {
  return writes.reduce((sum, { entries }) => sum + entries.length, 0)
}

/** A write without rows still carries a counter. */
function weight(entries: readonly LogEntry[]): number {
  return Math.max(1, entries.length)
}
