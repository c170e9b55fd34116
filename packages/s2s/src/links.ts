import { getHeapStatistics } from 'node:v8'
import type { Stanza, StanzaError } from '@parley/stanza'
import { domainsOfWay, type Owner } from '@parley/store'
import type { Awaitable, Remote, Server, Transit } from '@xmpp/server-core'
import { NobodyError, placeAmong, Rounds } from '@xmpp/server-core'
import { Asking } from './asking.ts'
import type { Pair } from './dialback.ts'
import { blocked, Entry, inOrder, isOwed, ownerOf, placeOf, rowOf, tooMany } from './entry.ts'
import { Link, type LinkEvents } from './link.ts'
import { Nodes } from './nodes.ts'
import { Outbox } from './outbox.ts'
import { Passage } from './passage.ts'
import { patiently, whoHas } from './patiently.ts'
import { PeerError } from './peer-error.ts'
import type { Way } from './way.ts'

export interface LinksParts {
  readonly server: Server
  /** Which way a stanza goes. @throws StanzaError where it goes none */
  admit(stanza: Stanza): Pair
  isOurs(domain: string): boolean
  isBlocked(domain: string): boolean
  open(pair: Pair, events: LinkEvents): Promise<Way>
}

/** Links that are remembered; those that are idle give way. */
const LINKS = 10_000
/** How often it is looked for rows that nobody has, and how old they are at least (ms). */
const SWEEP = 10_000
const OLD = 20_000
/** How long an orderly end waits for other servers and the database (ms). */
const LEAVING = 5000
/** How often it is looked whether another node answers (ms). */
const CHECK = 1000
/** When no node may have a way, it is asked again after that (ms). */
const ALONE = 1000

/**
 * All ways to other domains. Each has one node with the role `federation` that has its link; the others pass on to it what they have. What clients
 * were told is handled is in the message log, as rows that are owed to the way, until it is delivered or answered: whoever has the
 * link next takes them over.
 */
export class Links implements Remote {
  readonly #parts: LinksParts
  readonly #server: Server
  readonly #links = new Map<Owner, Link>()
  readonly #passages = new Map<Owner, Passage>()
  readonly #asking = new Map<Owner, Asking>()
  readonly #nodes: Nodes
  readonly #outbox: Outbox
  readonly #rounds: Rounds
  readonly #waiting = { chars: 0, limit: getHeapStatistics().heap_size_limit / 16 }
  readonly #stops: (() => void)[] = []
  #letters = 0
  /** Under which name this node has its links: under another one, others have them. */
  #as: string
  #isLeaving = false

  constructor(parts: LinksParts) {
    this.#parts = parts
    const { server } = parts
    this.#server = server
    this.#as = server.live.node
    this.#outbox = new Outbox(server, () => server.live.node === this.#as)
    this.#rounds = new Rounds(
      () => this.#sweep(OLD),
      error => server.log.warn('what waits for other domains could not be read', { error }),
    )
    this.#nodes = new Nodes(server, {
      take: (way, entry) => this.#takeLetter(way, entry),
      had: (way, from, n) => this.#passageTo(way, from)?.had(n),
      again: (way, from) => this.#passageTo(way, from)?.again(),
      left: (way, from) => this.#passageTo(way, from)?.left(),
    })
  }

  get links(): Iterable<Link> {
    return this.#links.values()
  }

  /** Where this node passes on what it has: the node that has the link, and how much that may not have yet. */
  get elsewhere(): Iterable<{ readonly pair: Pair; readonly node: string; readonly waiting: number }> {
    return [...this.#passages].map(([way, { node, waiting }]) => ({ pair: domainsOfWay(way), node, waiting }))
  }

  find(pair: Pair): Link | undefined {
    return this.#links.get(ownerOf(pair))
  }

  /**
   * A stream that the peer has opened may carry what goes its way (XEP-0288), where this node has that way. Where several nodes could
   * have it and none does, it has a stream of its own when there is something to say.
   */
  lend(pair: Pair, begin: (events: LinkEvents) => Way | undefined): void {
    const way = ownerOf(pair)
    const link = this.#linkOf(way) ?? (this.#server.live.isShared ? undefined : this.#make(way))
    link?.borrow(begin)
  }

  /** Takes over what an earlier process has left, and from then on what others leave. */
  async begin(): Promise<void> {
    const { clock, live } = this.#server
    // Who is alone has nobody who could still be sending it.
    await this.#sweep(live.isShared ? OLD : 0)
    this.#stops.push(clock.every(SWEEP, () => this.#rounds.begin()))
    if (!live.isShared) return
    const checks = setInterval(() => {
      for (const passage of this.#passages.values()) passage.check()
    }, CHECK)
    checks.unref()
    this.#stops.push(() => clearInterval(checks))
  }

  // ── stanzas of ours ──

  take(stanza: Stanza, transit: Transit): () => Awaitable<void> {
    const pair = this.#parts.admit(stanza)
    const xml = stanza.toXml()
    if (!isOwed(stanza, transit)) return () => this.#send(pair, new Entry(stanza, undefined, xml))
    let row: bigint | undefined
    transit.log(rowOf(pair, stanza, xml), id => {
      row = id
    })
    return () => {
      // A client has sent it again, and it has been delivered or answered meanwhile.
      if (row !== undefined && this.#outbox.isKnown(row)) return
      try {
        this.#send(pair, new Entry(stanza, row, xml))
      } catch (error) {
        if (row !== undefined) this.#outbox.done(pair, [row])
        throw error
      }
    }
  }

  #send(pair: Pair, entry: Entry): void {
    if (this.#server.live.node !== this.#as) this.#givenUp()
    const way = ownerOf(pair)
    const link = this.#linkOf(way)
    if (link) link.send(entry)
    else this.#sendElsewhere(way, entry)
  }

  #sendElsewhere(way: Owner, entry: Entry): void {
    const passage = this.#passages.get(way)
    if (passage) passage.pass(++this.#letters, entry)
    else this.#collect(way, entry)
  }

  /** Keeps it until it is known who has the way. */
  #collect(way: Owner, entry: Entry): void {
    // What has a row waits in the log for whoever comes next; for the rest nobody can do anything.
    if (this.#isLeaving) return
    const asking = this.#asking.get(way) ?? this.#ask(way)
    if (!asking) {
      // Known at once: this node is alone.
      this.#links.get(way)!.send(entry)
      return
    }
    asking.add(entry)
  }

  #linkOf(way: Owner): Link | undefined {
    const link = this.#links.get(way)
    return link?.state === 'closed' ? undefined : link
  }

  // ── who has a way ──

  /** Finds out who has a way; gives where its stanzas wait meanwhile, undefined where this node has it at once. */
  #ask(way: Owner, gone?: string): Asking | undefined {
    if (!this.#server.live.isShared) return void this.#make(way)
    if (this.#asking.size >= LINKS) throw tooMany()
    const asking = new Asking(this.#server.clock.monotonic())
    this.#asking.set(way, asking)
    void this.#settle(way, asking, gone)
    return asking
  }

  async #settle(way: Owner, asking: Asking, gone: string | undefined): Promise<void> {
    const { log } = this.#server
    const isWanted = () => this.#asking.get(way) === asking
    try {
      await patiently({ log, way }, isWanted, () => this.#place(way, asking, gone))
    } catch (error) {
      this.#turnBack(way, asking, error as StanzaError)
    }
  }

  /** Where no node may have the way now, messages wait as they do for a domain that is away; everything else is answered. */
  #turnBack(way: Owner, asking: Asking, error: StanzaError): void {
    const { clock, config } = this.#server
    const isWanted = this.#asking.get(way) === asking
    const isLate = clock.monotonic() - asking.since >= config.federation.patience
    const back = asking.giveUp(isWanted && !isLate && error instanceof NobodyError)
    if (asking.entries.length > 0) clock.after(ALONE, () => void this.#settle(way, asking, undefined))
    else if (isWanted) this.#asking.delete(way)
    for (const entry of back) this.#outbox.refuse(domainsOfWay(way), entry, error)
  }

  async #place(way: Owner, asking: Asking, gone: string | undefined): Promise<void> {
    const { node, own } = await placeAmong(this.#server, 'federation', placeOf(way), gone)
    if (!own) {
      if (this.#asking.get(way) !== asking) return
      this.#asking.delete(way)
      const passage = this.#passageOn(way, node)
      for (const entry of asking.entries) passage.add(++this.#letters, entry)
      return
    }
    const rows = await this.#outbox.owed(way)
    if (this.#asking.get(way) !== asking) return
    const link = this.#make(way)
    this.#asking.delete(way)
    this.#passages.delete(way)
    link.adopt(inOrder(rows, asking.entries))
  }

  #passageOn(way: Owner, node: string): Passage {
    const passage = new Passage(node, {
      post: (to, letter, before) => this.#nodes.post(to, way, letter, before),
      ask: gone => void this.#askAgain(way, passage, gone),
    })
    this.#passages.set(way, passage)
    return passage
  }

  /** The node that had a way does not answer any more, or has given it away. */
  async #askAgain(way: Owner, passage: Passage, gone: string | undefined): Promise<void> {
    const { clock } = this.#server
    const isWanted = () => this.#passages.get(way) === passage
    const placed = await whoHas(this.#server, way, isWanted, gone)
    if (!isWanted()) return
    if (placed && !placed.own) return passage.move(placed.node)
    this.#passages.delete(way)
    const asking = new Asking(clock.monotonic(), passage.entries)
    this.#asking.set(way, asking)
    await this.#settle(way, asking, undefined)
  }

  #passageTo(way: Owner, node: string): Passage | undefined {
    const passage = this.#passages.get(way)
    return passage?.node === node ? passage : undefined
  }

  /** False: this node does not have that way, as far as it knows. */
  #takeLetter(way: Owner, entry: Entry): boolean {
    if (this.#server.live.node !== this.#as) this.#givenUp()
    const passage = this.#passages.get(way)
    // Whoever passes it here knows more than this node does.
    passage?.left()
    if (this.#isLeaving || passage) return false
    if (entry.id !== undefined && (this.#outbox.isKnown(entry.id) || this.#has(way, entry.id))) return true
    const pair = domainsOfWay(way)
    try {
      const link = this.#linkOf(way)
      if (this.#parts.isBlocked(pair.to)) throw blocked(pair)
      if (link) link.send(entry)
      else this.#collect(way, entry)
    } catch (error) {
      this.#outbox.refuse(pair, entry, error as StanzaError)
    }
    return true
  }

  /** Only what came with a row is looked for, and only what came from another node. */
  #has(way: Owner, id: bigint): boolean {
    const waiting = this.#links.get(way)?.entries ?? this.#asking.get(way)?.entries ?? []
    return waiting.some(entry => entry.id === id)
  }

  // ── links of this node ──

  #make(way: Owner): Link {
    if (this.#links.size >= LINKS) this.#forgetIdle()
    const { clock, log, config } = this.#server
    const link = new Link(domainsOfWay(way), {
      ...{ clock, log, patience: config.federation.patience, waiting: this.#waiting },
      open: (pair, events) => this.#open(pair, events),
      handled: (pair, ids) => this.#outbox.done(pair, ids),
      refuse: (pair, entry, error) => this.#outbox.refuse(pair, entry, error),
    })
    this.#links.set(way, link)
    return link
  }

  async #open(pair: Pair, events: LinkEvents): Promise<Way> {
    if (this.#server.live.node !== this.#as) {
      this.#givenUp()
      throw new PeerError('other nodes have this way')
    }
    return this.#parts.open(pair, events)
  }

  #forgetIdle(): void {
    for (const [way, { state, waiting }] of this.#links) {
      if (waiting > 0 || (state !== 'idle' && state !== 'resting' && state !== 'closed')) continue
      this.#links.delete(way)
      this.#server.live.unplace(placeOf(way))
    }
    if (this.#links.size >= LINKS) throw tooMany()
  }

  /** Ends the links to domains that are blocked by now. */
  cutBlocked(): void {
    for (const [way, link] of this.#links) {
      if (!this.#parts.isBlocked(link.pair.to)) continue
      this.#links.delete(way)
      this.#server.live.unplace(placeOf(way))
      link.close(blocked(link.pair))
    }
  }

  /** Others have given this node up: what it had they have. */
  #givenUp(): void {
    this.#as = this.#server.live.node
    for (const link of this.#links.values()) link.drop()
    this.#links.clear()
    this.#passages.clear()
    this.#asking.clear()
  }

  // ── rows ──

  /** Finds what nobody has: left by a node that died, or by an earlier start; or lost on its way to another node. */
  async #sweep(age: number): Promise<void> {
    const { live, store, clock, config } = this.#server
    if (live.node !== this.#as) this.#givenUp()
    if (live.isShared) await this.#findOwners()
    if (!config.roles.includes('federation')) return
    for (const way of await store.messages.owedWays(age === 0 ? Number.POSITIVE_INFINITY : clock.now() - age)) {
      if (this.#isLeaving || !this.#parts.isOurs(domainsOfWay(way).from)) continue
      if (this.#passages.has(way) || this.#asking.has(way)) continue
      if (this.#linkOf(way) || !this.#ask(way)) await this.#adoptLost(way, age)
    }
  }

  async #adoptLost(way: Owner, age: number): Promise<void> {
    const link = this.#linkOf(way)
    if (!link) return
    // Marks of what has just been done with may still be there: who has what is asked before they are written, and read.
    const had = new Set(link.entries.map(({ id }) => id))
    await this.#server.store.messages.flush()
    const lost = (await this.#outbox.owed(way, age)).filter(({ id }) => !had.has(id))
    if (this.#linkOf(way) !== link) return
    const { pair } = link
    if (!this.#parts.isBlocked(pair.to)) link.adopt(lost)
    else for (const entry of lost) this.#outbox.refuse(pair, entry, blocked(pair))
  }

  /** Passages to nodes that are not there any more. */
  async #findOwners(): Promise<void> {
    const nodes = new Set<string>()
    for (const { node, lease } of await this.#server.live.nodes()) if (lease > 0) nodes.add(node)
    this.#nodes.forget(nodes)
    for (const [way, passage] of this.#passages) {
      if (!nodes.has(passage.node)) await this.#askAgain(way, passage, passage.node)
      else if (passage.waiting === 0) this.#passages.delete(way)
    }
  }

  // ── the end ──

  /** The server goes down in order: others get the ways, or the next start does. */
  async leave(): Promise<void> {
    if (this.#isLeaving) return
    this.#isLeaving = true
    for (const stop of this.#stops) stop()
    // While the database is away nothing can be given away in order.
    const patience = new Promise<void>(resolve => this.#server.clock.after(LEAVING, resolve))
    await Promise.race([this.#giveAway(), patience])
  }

  async #giveAway(): Promise<void> {
    const { store, live, log } = this.#server
    await this.#rounds.over()
    const asked = [...this.#asking].map(([way, { entries }]) => ({ way, entries }))
    this.#asking.clear()
    const left = await Promise.all([...this.#links].map(async ([way, link]) => ({ way, entries: await link.leave() })))
    try {
      for (const { way, entries } of [...left, ...asked]) {
        const rows = entries.filter(({ id, mayWait }) => id === undefined && mayWait)
        if (rows.length > 0)
          await store.messages.append(rows.map(({ stanza, xml }) => rowOf(domainsOfWay(way), stanza, xml)))
      }
      await store.messages.flush()
    } catch (error) {
      log.warn('what waits for other domains was not all written', { error })
    }
    for (const way of this.#links.keys()) live.unplace(placeOf(way))
    this.#links.clear()
  }

  close(): void {
    this.#isLeaving = true
    for (const stop of this.#stops) stop()
    this.#nodes.stop()
    for (const link of this.#links.values()) link.drop()
  }
}
