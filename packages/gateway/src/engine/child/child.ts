import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { AdapterError } from '@parley/adapter'
import type { Logger } from '@xmpp/server-core'
import type { Ears } from '../host.ts'
import { eventOf } from '../local-host.ts'
import type { SessionInit } from '../run/context.ts'
import { fromWire } from '../run/errors.ts'
import type { NetPolicy } from '../run/net.ts'
import { Batch, type Beginning, type Down, Questions, type Up } from './protocol.ts'

export interface ChildParts {
  readonly module: string
  readonly net: NetPolicy
  readonly secrets: readonly string[]
  readonly log: Logger
  /** Mebibytes of the heap; the same again for buffers outside of it. */
  readonly memory: number
  /** The process is gone; `reason` absent: it was told to go. */
  gone(reason: string | undefined): void
}

/** Milliseconds. */
const WATCH = 1000
/** An event loop that stands still for longer is ended. */
const STALL = 5000
/** Until a process has read its modules. */
const BEGIN = 30_000
/** What starts in source form (tests) runs its processes from what was built. */
const MAIN = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/engine/child/main.js' : './main.js',
  import.meta.url,
)

/** What tells Node.js whose certificates to trust is all that a process gets of the environment, and it is gone when the adapter begins. */
const TRUST = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'SystemRoot']
/** Characters of what is printed by a process that does not even begin. */
const WORDS = 2000
/** Of what V8 prints at its end. */
const OUT_OF_MEMORY = 'heap out of memory'

/** A process with sessions of one adapter, and the watch over it. Its time is that of the machine: it is not the server's. */
export class Child {
  readonly #parts: ChildParts
  readonly #child: ChildProcess
  readonly #down: Batch<Down>
  readonly #questions = new Questions()
  readonly #ears = new Map<number, Ears>()
  readonly #watch: NodeJS.Timeout
  /** What is said before the process listens; absent: it does. */
  #early: Down[] | undefined = []
  #last = 0
  #since = performance.now()
  #reason: string | undefined = 'it ended'
  #isGone = false
  /** Where the server stood still itself, the first look says nothing. */
  #skips = 0

  constructor(parts: ChildParts) {
    this.#parts = parts
    const { module, net, secrets, memory } = parts
    this.#child = fork(MAIN, [], {
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => TRUST.includes(name))),
      execArgv: [`--max-old-space-size=${memory}`, '--max-semi-space-size=8', '--single-threaded-gc'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    // What it prints by itself comes as lines; what comes here was written past that, and nobody has looked for secrets in it.
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      if (chunk.includes(OUT_OF_MEMORY)) this.#reason = 'it used too much memory'
      // The adapter has not been told any secret yet.
      else if (this.#early) this.#reason = `it did not begin: ${String(chunk).slice(0, WORDS)}`
    })
    this.#child.on('message', (list: readonly Up[]) => {
      for (const item of list) this.#take(item)
    })
    this.#child.on('error', error => {
      this.#reason = String(error)
      this.#gone()
    })
    this.#child.on('close', () => this.#gone())
    this.#child.send({ module, net, secrets } satisfies Beginning)
    // The server may end without it.
    this.#child.unref()
    this.#child.channel?.unref()
    ;(this.#child.stderr as Socket).unref()
    this.#down = new Batch(list => this.#send(list))
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

  /** Ends the process as it is. */
  async end(reason?: string): Promise<void> {
    this.#reason = reason
    if (this.#isGone) return
    const closed = once(this.#child, 'close')
    this.#child.ref()
    this.#child.kill('SIGKILL')
    await closed
  }

  #send(list: readonly Down[]): void {
    if (this.#early) this.#early.push(...list)
    // Nobody reads it where the process is ending.
    else if (this.#child.connected) this.#child.send(list, () => {})
  }

  #take(item: Up): void {
    switch (item.say) {
      case 'beat':
        this.#beat(item.buffers)
        break
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

  #beat(buffers: number): void {
    this.#since = performance.now()
    this.#skips = 0
    const early = this.#early
    this.#early = undefined
    if (early) this.#send(early)
    if (buffers > this.#parts.memory) void this.end('it used too much memory')
  }

  #look(): void {
    const late = performance.now() - this.#since > (this.#early ? BEGIN : STALL)
    if (late && this.#skips++ > 1) void this.end('it stood still')
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
