import { randomBytes } from 'node:crypto'
import type { NodeInfo } from '../live.ts'
import type { Lane } from './lane.ts'
import type { RedisLog } from './server.ts'

/** A node that has not renewed its lease for so long is dead to the others (ms). */
const LEASE = 10_000
const RENEW = 1000
/** A node that could not renew for half of it stops reading: soon it has no say any more. */
const DOUBT = LEASE / 2
const JANITOR = 5000
const REAPED = 32

/** Where everybody looks for nodes and who tidies up. */
export interface MembersParts {
  /** The lane of the registry. */
  readonly lane: Lane
  readonly lanes: readonly Lane[]
  readonly log: RedisLog
  /** Ends of sessions that cannot be resumed. */
  ended(reports: readonly unknown[]): void
  /** Others have given this node up: it starts again as another one. */
  dead(node: string): Promise<void>
  usable(is: boolean): void
}

/** This node among others: its lease, and its part in tidying up behind those that died. */
export class Members {
  readonly #parts: MembersParts
  #node = newNode()
  #about: NodeInfo['about'] = {}
  #renewed = performance.now()
  #isUsable = true
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void> | undefined
  #isKnown = false
  #restarting: Promise<void> | undefined
  #reaping = false
  #count = 1

  constructor(parts: MembersParts) {
    this.#parts = parts
  }

  get node(): string {
    return this.#node
  }

  /** Milliseconds until others take this node for dead. */
  get lease(): number {
    return LEASE - (performance.now() - this.#renewed)
  }

  /** Nodes whose leases hold, this one included. */
  get count(): number {
    return this.#count
  }

  async join(): Promise<void> {
    await this.#renew()
    this.#timer = setInterval(() => this.#tick(), RENEW)
    this.#timer.unref()
  }

  describe(about: NodeInfo['about']): void {
    this.#about = about
  }

  /** Redis may have lost who is there: this node says it again, as the one that it is. */
  forgotten(): void {
    this.#isKnown = false
  }

  /** Others have given this node up, and have its sessions: it goes on as another one. */
  buried(): void {
    this.#parts.log('error', 'Other nodes have given this one up: its sessions are theirs')
    this.#use(false)
    const dead = this.#node
    this.#node = newNode()
    this.#isKnown = false
    // What it has not said yet has been said for it: said by another one, it would not be known as the same.
    for (const lane of this.#parts.lanes) lane.drop()
    this.#restarting = this.#parts.dead(dead).catch((error: Error) => {
      this.#parts.log('warn', `Beginning again waits for Redis: ${error.message}`)
    })
  }

  async nodes(): Promise<NodeInfo[]> {
    const [now, ...rest] = await this.#parts.lane.call<string[]>('nodes')
    const found: NodeInfo[] = []
    for (let i = 0; i < rest.length; i += 3) {
      const node = rest[i]!
      const lease = Number(rest[i + 1]) - Number(now)
      const about = rest[i + 2] === 'dead' ? { state: 'dead' } : (JSON.parse(rest[i + 2] || '{}') as NodeInfo['about'])
      found.push({ node, lease, own: node === this.#node, about })
    }
    return found
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer)
    await this.#ticking
    await this.#parts.lane.call('leave', this.#node)
  }

  #tick(): void {
    if (this.#isUsable && performance.now() - this.#renewed > DOUBT) this.#use(false)
    // An answer that does not come is not asked for again.
    this.#ticking ??= this.#renew()
      .then(() => this.#tidy())
      .catch((error: Error) => this.#parts.log('warn', `The lease was not renewed: ${error.message}`))
      .finally(() => {
        this.#ticking = undefined
      })
  }

  async #renew(): Promise<void> {
    await this.#restarting
    const asked = performance.now()
    const first = !this.#isKnown
    this.#isKnown = true
    const answer = await this.#parts.lane.call<string>('renew', LEASE, JSON.stringify(this.#about), first ? 1 : 0)
    if (answer === 'dead') {
      // Not others have forgotten it, but Redis has.
      if (!first && !this.#isKnown) return this.#renew()
      this.buried()
      return this.#renew()
    }
    this.#renewed = asked
    this.#use(true)
  }

  #use(is: boolean): void {
    if (this.#isUsable === is) return
    this.#isUsable = is
    this.#parts.usable(is)
  }

  /** One node at a time looks for those that died. */
  async #tidy(): Promise<void> {
    if (this.#reaping) return
    this.#reaping = true
    try {
      if ((await this.#parts.lane.call<number>('claim', 'janitor', this.#node, JANITOR)) !== 1) return
      for (const { node, lease, own } of await this.nodes()) if (lease <= 0 && !own) await this.#reap(node)
    } finally {
      this.#reaping = false
    }
  }

  async #reap(dead: string): Promise<void> {
    const { lane, lanes, log } = this.#parts
    if ((await lane.call<number>('bury', dead)) !== 1) return
    log('warn', `Node ${dead} is gone: its sessions wait for their clients`)
    for (const each of lanes) {
      for (let left = 1; left > 0; ) {
        const [still, reports] = await each.call<[number, unknown[]]>('reap', dead, REAPED)
        this.#parts.ended(reports)
        left = still
      }
    }
    await lane.call('leave', dead)
  }
}

/** Operators type it: nothing that looks like an option. */
function newNode(): string {
  return randomBytes(6).toString('hex')
}
