import { Worker } from 'node:worker_threads'
import { AdapterError } from '@parley/adapter'
import type { Logger } from '@xmpp/server-core'
import type { Ears } from '../host.ts'
import { eventOf } from '../local-host.ts'
import type { SessionInit } from '../run/context.ts'
import { fromWire } from '../run/errors.ts'
import type { NetPolicy } from '../run/net.ts'
import { Batch, BEATS, BUFFERS, type Down, Questions, type ThreadData, type Up } from './protocol.ts'

export interface ThreadParts {
  readonly module: string
  readonly net: NetPolicy
  readonly secrets: readonly string[]
  readonly log: Logger
  /** Mebibytes of the heap; the same again for buffers outside of it. */
  readonly memory: number
  /** The thread is gone; `reason` absent: it was told to go. */
  gone(reason: string | undefined): void
}

/** Milliseconds. */
const WATCH = 1000
/** An event loop that stands still for longer is ended. */
const STALL = 5000
/** Until a thread has read its modules. */
const BEGIN = 30_000
/** What starts in source form (tests) runs its threads from what was built. */
const MAIN = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/engine/worker/main.js' : './main.js',
  import.meta.url,
)

/** A thread with sessions of one adapter, and the watch over it. Its time is that of the machine: it is not the server's. */
export class Thread {
  readonly #parts: ThreadParts
  readonly #worker: Worker
  readonly #down: Batch<Down>
  readonly #questions = new Questions()
  readonly #ears = new Map<number, Ears>()
  readonly #pulse = new Int32Array(new SharedArrayBuffer(8))
  readonly #watch: NodeJS.Timeout
  #last = 0
  #beats = 0
  #since = performance.now()
  #reason: string | undefined = 'it ended'
  #isGone = false
  /** Where this thread stood still itself, the first look says nothing. */
  #skips = 0

  constructor(parts: ThreadParts) {
    this.#parts = parts
    const { module, net, secrets, memory } = parts
    const workerData: ThreadData = { module, net, secrets, pulse: this.#pulse }
    this.#worker = new Worker(MAIN, {
      ...{ workerData, env: {}, argv: [], execArgv: [], stdin: false, stdout: true, stderr: true },
      resourceLimits: { maxOldGenerationSizeMb: memory, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
    })
    // What it prints by itself comes as lines; what comes here was written past that, and nobody has looked for secrets in it.
    this.#worker.stdout.resume()
    this.#worker.stderr.resume()
    this.#worker.on('message', (list: readonly Up[]) => {
      for (const item of list) this.#take(item)
    })
    this.#worker.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'it used too much memory' : this.#reason
    })
    this.#worker.on('exit', () => this.#gone())
    this.#worker.unref()
    this.#down = new Batch(list => this.#worker.postMessage(list))
    this.#watch = setInterval(() => this.#look(), WATCH).unref()
  }

  get sessions(): number {
    return this.#ears.size
  }

  open(init: SessionInit, ears: Ears): number {
    const id = ++this.#last
    this.#ears.set(id, ears)
    this.#down.push({ do: 'open', id, init })
    return id
  }

  /**
   * @param id the session that is asked
   * @throws AdapterError
   */
  ask(id: number, put: (n: number) => Down): Promise<unknown> {
    if (this.#isGone) return Promise.reject(lost())
    return this.#questions.ask(n => this.#down.push(put(n)), id)
  }

  credit(id: number, count: number): void {
    if (!this.#isGone) this.#down.push({ do: 'credit', id, count })
  }

  /** Nothing of a session is waited for any more: what it has not answered by now it never will. */
  forget(id: number): void {
    this.#ears.delete(id)
    this.#questions.failAll(lost(), id)
  }

  /** Ends the thread as it is. */
  async end(reason?: string): Promise<void> {
    this.#reason = reason
    await this.#worker.terminate()
    this.#gone()
  }

  #take(item: Up): void {
    switch (item.say) {
      case 'events': {
        const ears = this.#ears.get(item.id)
        if (ears) ears.events(item.events.map(eventOf))
        else this.credit(item.id, item.events.length)
        break
      }
      case 'answer':
        this.#questions.answer(item.n, item.value)
        break
      case 'fail':
        this.#questions.fail(item.n, fromWire(item.error))
        break
      case 'ask':
        this.#answer(item)
        break
      case 'crash':
        this.#reason = item.text
        break
      case 'log': {
        const { id, level, text, about } = item
        if (id === undefined) this.#parts.log[level]('printed by the adapter', { text })
        else this.#ears.get(id)?.log(level, text, about)
      }
    }
  }

  #answer({ id, n, ask }: Extract<Up, { say: 'ask' }>): void {
    const ears = this.#ears.get(id)
    const asked = ears ? ears.ask(ask) : Promise.reject(lost())
    asked.then(
      value => this.#down.push({ do: 'answer', n, value }),
      (error: unknown) => {
        if (ears) this.#parts.log.error('what an adapter asked for failed', { error })
        this.#down.push({ do: 'fail', n })
      },
    )
  }

  #look(): void {
    const now = performance.now()
    const beats = Atomics.load(this.#pulse, BEATS)
    if (beats !== this.#beats) {
      this.#beats = beats
      this.#since = now
      this.#skips = 0
    } else if (now - this.#since > (beats === 0 ? BEGIN : STALL) && this.#skips++ > 1) void this.end('it stood still')
    if (Atomics.load(this.#pulse, BUFFERS) > this.#parts.memory) void this.end('it used too much memory')
  }

  #gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    clearInterval(this.#watch)
    this.#questions.failAll(lost())
    this.#parts.gone(this.#reason)
    this.#ears.clear()
  }

  /** Tells everybody who has a session there. */
  tellDied(lasting: boolean): void {
    for (const ears of [...this.#ears.values()]) ears.died(lasting)
  }
}

function lost(): AdapterError {
  return new AdapterError('transient', 'The gateway has failed')
}
