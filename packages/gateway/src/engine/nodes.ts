import { AdapterError } from '@parley/adapter'
import type { Live, NodeInfo, Placed } from '@parley/live'
import { type Clock, fittest, type Logger, NobodyError, placeAmong, type Role, Rounds } from '@xmpp/server-core'
import type { AccountKey, AccountState, AccountStatus } from '../engine.ts'
import { Questions } from './child/protocol.ts'
import { fromWire, isAdapterError, type WireError } from './run/errors.ts'
import { UnservedError } from './unserved.ts'

/** What nodes say to each other. */
const TOPIC = 'gateway'
/** How often this node looks whether others have given it up, and whether others are gone (ms). */
const LOOK = 2000
/** Accounts of other nodes whose states are known. */
const KNOWN = 100_000
/** States in one message to a node that has just come. */
const LOT = 500
/** For another node to answer, where nothing else is said (ms). */
const ANSWER = 70_000
/** Nodes that are asked one after another, while each has just gone. */
const TRIES = 3
/** States in which an account is wanted, so that another node has it when its own is gone. */
const WANTED: ReadonlySet<AccountState> = new Set(['connecting', 'online', 'degraded', 'waiting'])

/** Something to be done by the node that has the account. */
export type Errand =
  | { readonly do: 'wake'; readonly afresh: boolean }
  | { readonly do: 'rest' | 'drop' | 'overdue' }
  | { readonly do: 'send'; readonly message: unknown }
  | { readonly do: 'call'; readonly name: string; readonly args: readonly unknown[] }

type Letter =
  | { readonly key: AccountKey; readonly n: number; readonly errand: Errand }
  | { readonly re: number; readonly kept: true }
  | { readonly re: number; readonly value: unknown }
  | { readonly re: number; readonly error: WireError }
  | { readonly states: readonly (readonly [AccountKey, AccountStatus])[] }
  | { readonly hello: true }

interface Known {
  readonly key: AccountKey
  readonly status: AccountStatus
  /** Who has said so. */
  readonly node: string
  /** That node is gone, and another one than this is to have it. */
  isLeft?: boolean
}

export interface NodesParts {
  readonly live: Live
  readonly clock: Clock
  readonly log: Logger
  /** Of this node: without `gateways` it runs no session, and asks a node that does. */
  readonly roles: readonly Role[]
  hear(topic: string, listen: (text: string, from: string) => void): void
  /** Does it here. `kept` is called when a restart does not lose it any more. */
  run(key: AccountKey, errand: Errand, kept: () => void): Promise<unknown>
  /** Whether this node has something to do for the account. */
  has(key: AccountKey): boolean
  /** States of the accounts of this node that are not idle. */
  states(): Iterable<readonly [AccountKey, AccountStatus]>
  /** Others have taken this node for dead: what it had is theirs. */
  givenUp(): Promise<void>
  /** Another node has the account. */
  taken(key: AccountKey): void
  /** The node that had these accounts is gone, and they were wanted. */
  lost(keys: readonly AccountKey[]): void
}

/** Each account has one node that does everything for it; others ask that one. Nodes never talk but through {@link Live}. */
export class Nodes {
  readonly #parts: NodesParts
  readonly #answers = new Questions()
  readonly #kept = new Map<number, () => void>()
  readonly #states = new Map<string, Known>()
  readonly #stop: () => void
  #node: string

  constructor(parts: NodesParts) {
    this.#parts = parts
    const { live, clock } = parts
    this.#node = live.node
    parts.hear(TOPIC, (text, from) => this.#take(JSON.parse(text) as Letter, from))
    const looks = new Rounds(
      () => this.#look(),
      error => parts.log.error('nodes cannot be looked after', { error }),
    )
    this.#stop = live.isShared ? clock.every(LOOK, () => looks.begin()) : () => {}
    if (live.isShared) this.#tell({ hello: true })
  }

  /** What another node has said of an account. */
  status(key: AccountKey): AccountStatus | undefined {
    return this.#states.get(nameOf(key))?.status
  }

  /** Tells the others how it is with an account of this node. */
  changed(key: AccountKey, status: AccountStatus): void {
    if (this.#parts.live.isShared) this.#tell({ states: [[key, status]] })
  }

  /**
   * Has it done where the account is; here, if it is nowhere. `patience`: milliseconds until nobody waits any more, for what was kept:
   * it is done even if the node is gone, and whoever does it says so by itself.
   *
   * @throws AdapterError; UnservedError where no node has the role
   */
  async run(key: AccountKey, errand: Errand, kept: () => void = () => {}, patience = ANSWER): Promise<unknown> {
    const { live } = this.#parts
    if (!live.isShared || this.#parts.has(key)) return this.#parts.run(key, errand, kept)
    for (let tries = 0, gone: string | undefined; tries < TRIES; tries++) {
      const { node, own } = await this.#place(key, gone)
      if (own) return this.#parts.run(key, errand, kept)
      const answered = this.#ask(node, key, errand, kept, patience)
      if (await answered.posted) return answered.done
      gone = node
    }
    throw new AdapterError('transient', 'Nobody has that account at the moment')
  }

  /** Whether a node runs, or would run, the session. */
  async isServed(key: AccountKey): Promise<boolean> {
    try {
      const { node } = await this.#place(key)
      if (!here(await this.#parts.live.nodes()).has(node)) await this.#place(key, node)
      return true
    } catch {
      return false
    }
  }

  /** This node has nothing to do with the account any more. */
  leave(key: AccountKey): void {
    this.#parts.live.unplace(nameOf(key))
  }

  stop(): void {
    this.#stop()
    this.#answers.failAll(new AdapterError('transient', 'The server is going down'))
    this.#kept.clear()
  }

  async #place(key: AccountKey, gone?: string): Promise<Placed> {
    const { live, roles } = this.#parts
    return placeAmong({ live, config: { roles: [...roles] } }, 'gateways', nameOf(key), gone).catch(
      (error: unknown) => {
        throw error instanceof NobodyError ? new UnservedError() : error
      },
    )
  }

  #ask(
    node: string,
    key: AccountKey,
    errand: Errand,
    kept: () => void,
    patience: number,
  ): { readonly posted: Promise<boolean>; readonly done: Promise<unknown> } {
    const { live, clock } = this.#parts
    let posted: Promise<boolean> = Promise.resolve(false)
    const done = this.#answers.ask(n => {
      this.#kept.set(n, kept)
      const late = clock.after(patience, () => {
        this.#kept.delete(n)
        this.#answers.fail(n, new AdapterError('transient', 'The node that has the account does not answer'))
      })
      posted = (async () => {
        const isThere = await live.post(node, TOPIC, JSON.stringify({ key, n, errand } satisfies Letter))
        if (!isThere) {
          late()
          this.#kept.delete(n)
          this.#answers.answer(n, undefined)
        }
        return isThere
      })()
    })
    done.catch(() => {})
    return { posted, done }
  }

  #take(letter: Letter, from: string): void {
    if ('errand' in letter) void this.#serve(letter, from)
    else if ('states' in letter) for (const [key, status] of letter.states) this.#know({ key, status, node: from })
    else if ('hello' in letter) this.#greet(from)
    else if ('kept' in letter) this.#kept.get(letter.re)?.()
    else {
      this.#kept.delete(letter.re)
      if ('error' in letter) this.#answers.fail(letter.re, fromWire(letter.error))
      else this.#answers.answer(letter.re, letter.value)
    }
  }

  async #serve({ key, n, errand }: Extract<Letter, { errand: Errand }>, from: string): Promise<void> {
    const reply = (letter: Letter) => this.#post(from, letter)
    try {
      // Whoever asks may have chosen this node for what nobody had: it takes its place now.
      const value = await this.run(key, errand, () => reply({ re: n, kept: true }))
      reply({ re: n, value: value ?? null })
    } catch (error) {
      const { failure, message, retryAfter } = isAdapterError(error)
        ? error
        : new AdapterError('transient', 'The gateway has a fault')
      reply({ re: n, error: { failure, message, ...(retryAfter !== undefined && { retryAfter }) } })
    }
  }

  #know(known: Known): void {
    const { key, status, node } = known
    const name = nameOf(key)
    // What a node has let go of, another one may have begun already.
    if (status.state === 'idle' && this.#states.get(name)?.node !== node) return
    this.#states.delete(name)
    if (status.state === 'idle') return
    this.#states.set(name, known)
    this.#parts.taken(key)
    const oldest = this.#states.size > KNOWN ? this.#states.keys().next().value : undefined
    if (oldest !== undefined) this.#states.delete(oldest)
  }

  #greet(node: string): void {
    const all = [...this.#parts.states()]
    for (let from = 0; from < all.length; from += LOT) {
      this.#post(node, { states: all.slice(from, from + LOT) })
    }
  }

  /** While Redis is away nobody hears it: whoever has asked gives up in time, and asks anew who is there. */
  #post(node: string, letter: Letter): void {
    const posted = async () => this.#parts.live.post(node, TOPIC, JSON.stringify(letter))
    posted().catch(() => {})
  }

  #tell(letter: Letter): void {
    this.#parts.live.tell(TOPIC, JSON.stringify(letter))
  }

  async #look(): Promise<void> {
    const { live, log } = this.#parts
    if (live.node === this.#node) return this.#miss()
    log.warn('others have given this node up: sessions of gateways begin again', { node: live.node })
    this.#node = live.node
    await this.#parts.givenUp()
  }

  /** Accounts of nodes that are gone are nobody's. Each is for one of those that are left; what that one has not begun by the next look is for all. */
  async #miss(): Promise<void> {
    if (this.#states.size === 0) return
    const nodes = await this.#parts.live.nodes()
    const alive = here(nodes)
    const wanted: AccountKey[] = []
    for (const [name, known] of this.#states) {
      if (alive.has(known.node)) continue
      const isWanted = WANTED.has(known.status.state)
      const heir = isWanted && !known.isLeft ? fittest(nodes, 'gateways', name) : undefined
      if (heir !== undefined && heir !== this.#node) {
        known.isLeft = true
        continue
      }
      this.#states.delete(name)
      if (isWanted) wanted.push(known.key)
    }
    if (wanted.length > 0) this.#parts.lost(wanted)
  }
}

/** Nodes that nobody has given up: a lease that is late is no end. */
function here(nodes: readonly NodeInfo[]): ReadonlySet<string> {
  return new Set(nodes.filter(({ about }) => about['state'] !== 'dead').map(({ node }) => node))
}

function nameOf({ provider, owner }: AccountKey): string {
  return `gateway ${provider} ${owner}`
}
