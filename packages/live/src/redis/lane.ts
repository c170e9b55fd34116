import type { Server } from './server.ts'

/** Operations in one call: longer calls would keep Redis from others (about 10 µs an operation). */
const BATCH = 64
/** Operations that may wait while Redis is away; what comes beyond is refused. */
const WAITING = 50_000
const RETRY = 250
/** Characters of one letter, and of all that wait. */
const LETTER = 262_144
const MAILED = 67_108_864

/** What an operation asks of Redis, and who hears the answer. */
interface Operation {
  readonly name: string
  readonly args: readonly (string | number)[]
  readonly resolve: ((reply: never) => void) | undefined
  readonly reject: ((error: Error) => void) | undefined
  readonly letter?: Letter
}

interface Letter {
  text: string
}

/** Redis cannot be asked now: the operation had no effect, or one that a repeat does not double. */
export class LiveError extends Error {
  override readonly name = 'LiveError'
  readonly code: 'busy' | 'failed' | 'closed' | 'fenced'

  constructor(code: LiveError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface LaneStats {
  batches: number
  operations: number
  seconds: number
  slowest: number
}

export interface LaneParts {
  readonly server: Server
  /** What each call begins with: node, clock shift, limits. */
  readonly head: () => readonly (string | number)[]
  readonly stats: LaneStats
  /** Redis has lost something that it had answered. */
  lost(lane: Lane): void
  /** Others have given this node up: all lanes {@link Lane.drop} what they have. */
  buried(): void
  /** A letter to a node that does not listen. */
  unheard(node: string, text: string): void
}

/**
 * The way to one bucket of keys. Operations reach Redis in the order of the calls, many in one call, one call at a time; a
 * call that broke is made again as it was, so order and single effect hold (every operation may be repeated).
 */
export class Lane {
  readonly tag: string
  readonly #server: Server
  readonly #head: () => readonly (string | number)[]
  readonly #onLost: (lane: Lane) => void
  readonly #buried: () => void
  readonly #unheard: (node: string, text: string) => void
  readonly #stats: LaneStats
  #waiting: Operation[] = []
  /** Letters that more may be added to, by node. */
  #letters = new Map<string, Letter>()
  #mailed = 0
  #running: Promise<void> | undefined
  /** When Redis last answered, before it was known to have lost something (ms, monotonic). */
  answered = performance.now()
  /** Calls that Redis has answered: when it knows of fewer, it has lost some. */
  #calls = 0
  /** The life of Redis in which it has answered them. */
  #life = ''
  /** How often what waited was dropped: a call that was under way is not made again then. */
  #drops = 0
  #greeted = false
  #closed = false

  constructor(tag: string, parts: LaneParts) {
    this.tag = tag
    this.#server = parts.server
    this.#head = parts.head
    this.#stats = parts.stats
    this.#onLost = parts.lost
    this.#buried = parts.buried
    this.#unheard = parts.unheard
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * @throws LiveError as a rejection: `busy` when too much waits, `failed` where Redis refuses it, `fenced` when others have
   * given this node up before it was done, `closed`
   */
  call<T>(name: string, ...args: readonly (string | number)[]): Promise<T> {
    return new Promise<T>((resolve, reject) => this.#add({ name, args, resolve, reject }))
  }

  /** As {@link call}, for what nobody waits for. */
  fire(name: string, ...args: readonly (string | number)[]): void {
    this.#add({ name, args, resolve: undefined, reject: undefined })
  }

  /** Text for the sessions of a node; what comes in one turn travels together. False: too much waits. */
  mail(node: string, text: string): boolean {
    if (this.#mailed > MAILED) return false
    this.#mailed += text.length
    const letter = this.#letters.get(node)
    if (letter && letter.text.length < LETTER) {
      letter.text += text
      return true
    }
    const fresh: Letter = { text }
    this.#letters.set(node, fresh)
    const sent = (heard: number) => {
      this.#mailed -= fresh.text.length
      if (heard === 0) this.#unheard(node, fresh.text)
    }
    // Its place in the queue is where it began; a later operation of another kind closes it.
    // What a node that was given up has not said is said by those who took its sessions over.
    const failed = (error: Error) => sent((error as LiveError).code === 'fenced' ? 1 : 0)
    this.#add({ name: 'mail', args: [node], letter: fresh, resolve: sent, reject: failed })
    return true
  }

  /** The connection broke: what was answered must be compared before anything else is said. */
  broken(): void {
    this.#greeted = false
  }

  /** Nothing of what was asked so far is done any more: this node goes on as another one. */
  drop(): void {
    this.#drops++
    this.#letters.clear()
    for (const { reject } of this.#waiting.splice(0)) reject?.(givenUp())
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    for (const { reject } of this.#waiting.splice(0)) reject?.(new LiveError('closed', 'Live state is closed'))
  }

  #add(operation: Operation): void {
    if (this.#closed) operation.reject?.(new LiveError('closed', 'Live state is closed'))
    else if (this.#waiting.length >= WAITING) operation.reject?.(new LiveError('busy', 'Too much waits for Redis'))
    else {
      // What is mailed later must not overtake this.
      if (operation.name !== 'mail') this.#letters.clear()
      this.#waiting.push(operation)
      this.#running ??= this.#run()
    }
  }

  async #run(): Promise<void> {
    // Let everything that this turn of the event loop reads from the sockets come along.
    await new Promise<void>(resolve => setImmediate(resolve))
    while (this.#waiting.length > 0 && !this.#closed) {
      this.#letters.clear()
      await this.#send(this.#waiting.splice(0, BATCH))
    }
    this.#running = undefined
  }

  async #send(batch: readonly Operation[]): Promise<void> {
    const drops = this.#drops
    while (!this.#closed && drops === this.#drops) {
      try {
        await this.#server.ready()
        if (!this.#greeted) await this.#greet()
        const began = performance.now()
        const replies = await this.#ask(batch)
        this.#measure(batch.length, performance.now() - began)
        if (!this.#greeted) await this.#greet()
        for (const [i, operation] of batch.entries()) operation.resolve?.(replies[i + 1] as never)
        return
      } catch (error) {
        if (error instanceof Buried) {
          // Unless another lane has heard of it before.
          if (drops === this.#drops) this.#buried()
        } else if (this.#server.isAway(error)) {
          this.#greeted = false
          await this.#server.pause(RETRY)
        } else if (batch.length === 1) {
          this.#server.log('error', `Redis refuses ${batch[0]!.name}: ${(error as Error).message}`)
          batch[0]!.reject?.(new LiveError('failed', 'Redis refuses the operation', { cause: error }))
          return
        } else {
          // One of them is refused: each alone, so that the others are not refused with it.
          for (const operation of batch) await this.#send([operation])
          return
        }
      }
    }
    for (const { reject } of batch)
      reject?.(drops === this.#drops ? new LiveError('closed', 'Live state is closed') : givenUp())
  }

  /** @throws Buried, or whatever the connection throws; then nobody knows whether it had its effect */
  async #ask(batch: readonly Pick<Operation, 'name' | 'args' | 'letter'>[]): Promise<readonly unknown[]> {
    const args: (string | number)[] = [...this.#head()]
    for (const { name, args: own, letter } of batch) {
      args.push(name, letter ? own.length + 1 : own.length)
      for (const arg of own) args.push(arg)
      if (letter) args.push(letter.text)
    }
    const replies = (await this.#server.run(this.tag, args)) as readonly unknown[]
    const calls = Number(replies[0])
    if (calls < 0) throw new Buried()
    // Emptied while it ran: no connection broke.
    if (calls > 0 && calls < this.#calls) this.#greeted = false
    else if (calls > 0) {
      this.#calls = calls
      if (this.#greeted) this.answered = performance.now()
    }
    return replies
  }

  async #greet(): Promise<void> {
    const known = this.#calls
    this.#calls = 0
    const hello = { name: 'hello', args: [known, this.#life, this.#server.isCluster ? 1 : 0] }
    const replies = await this.#ask([hello]).catch(error => {
      this.#calls = known
      throw error
    })
    const [lost, life] = replies[1] as [number, string]
    this.#life = life
    this.#greeted = true
    if (lost === 1) this.#onLost(this)
    this.answered = performance.now()
  }

  #measure(operations: number, ms: number): void {
    const stats = this.#stats
    stats.batches++
    stats.operations += operations
    stats.seconds += ms / 1000
    if (ms / 1000 > stats.slowest) stats.slowest = ms / 1000
  }
}

/** Redis does nothing more for this node. */
class Buried extends Error {}

function givenUp(): LiveError {
  return new LiveError('fenced', 'Other nodes have given this one up')
}
