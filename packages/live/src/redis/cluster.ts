import { everySecond } from '../every-second.ts'
import type { Gap, LiveHandlers, LiveLimits } from '../live.ts'
import { LIVE_LIMITS, ON_ITS_WAY } from '../live.ts'
import { splitTwice } from './frame.ts'
import { Lane, type LaneStats } from './lane.ts'
import type { Local } from './local.ts'
import { Members } from './members.ts'
import { type RedisLog, Server } from './server.ts'
import { Sessions } from './sessions.ts'

export interface ClusterOptions {
  /** `redis://…`, `rediss://…` or `unix:///path`; several with commas between them: a cluster. */
  readonly url: string
  /** Begins the name of every key; default `parley:`. */
  readonly prefix?: string
  readonly limits?: LiveLimits
  readonly log?: RedisLog
  /** Milliseconds since 1970. */
  readonly time?: () => number
  /** Milliseconds that hold times are ahead of the clock of Redis: for tests, which do not wait. */
  readonly ahead?: () => number
  /** Runs `check` about every second until the returned function is called. */
  readonly every?: (check: () => void) => () => void
}

/** How often numbers that are missing are asked for (ms). */
const GAP = 200
const SWEPT = 32
/** How many times at which Redis has lost something are remembered. */
const GAPS = 20
/** How long a task may have something for itself without saying so again, and how often others look (ms). */
const CLAIM = 5000
const CLAIM_RETRY = 15

/** What a node has of the others: the ways to Redis, its membership, and what comes without being asked for. */
export class Cluster {
  readonly limits: LiveLimits
  readonly sessions: Sessions
  readonly stats: LaneStats = { batches: 0, operations: 0, seconds: 0, slowest: 0 }
  readonly #log: RedisLog
  readonly #ahead: () => number
  readonly #time: () => number
  readonly #stops: (() => void)[] = []
  server!: Server
  members!: Members
  lanes: readonly Lane[] = []
  /** Whether changes of the directory reach this node. */
  isHearing = true
  /** See {@link Live.gaps}. */
  gaps: readonly Gap[] = []
  /** How often Redis had lost something. */
  fences = 0
  #handlers: LiveHandlers | undefined
  #stopped = false
  #sweeping = false

  private constructor({ limits = LIVE_LIMITS, log = () => {}, ahead = () => 0, time = Date.now }: ClusterOptions) {
    this.limits = limits
    this.#log = log
    this.#ahead = ahead
    this.#time = time
    this.sessions = new Sessions({ limits, log, laneOf: bare => this.laneOf(bare) })
  }

  static async open(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options)
    await cluster.#open(options)
    return cluster
  }

  async #open({ url, prefix = 'parley:', every = everySecond }: ClusterOptions): Promise<void> {
    this.server = await Server.open(
      url,
      {
        message: (channel, text) => this.#heard(channel, text),
        broken: () => {
          for (const lane of this.lanes) lane.broken()
        },
        deaf: () => this.#deaf(),
        hearing: () => this.#hearing(),
      },
      this.#log,
    )
    const { queue, directed, waiting, chars } = this.limits
    const parts = {
      server: this.server,
      head: () => [this.node, Math.round(this.#ahead()), queue, directed, waiting, chars],
      stats: this.stats,
      lost: (lane: Lane) => this.#lost(lane),
      buried: () => this.members.buried(),
      unheard: (_node: string, letter: string) => this.sessions.returned(letter),
    }
    this.lanes = Array.from({ length: this.server.buckets }, (_, n) => new Lane(`${prefix}{${n}}`, parts))
    this.members = new Members({
      lane: this.lanes[0]!,
      lanes: this.lanes,
      log: this.#log,
      ended: reports => this.sessions.endAll(reports),
      dead: node => this.#restart(node),
      usable: is => this.#handlers?.usable(is),
    })
    await this.#listen()
    await this.members.join()
    const gaps = setInterval(() => this.sessions.fillGaps(), GAP)
    gaps.unref()
    this.#stops.push(
      every(() => this.#sweep()),
      () => clearInterval(gaps),
    )
  }

  get node(): string {
    return this.members.node
  }

  handle(handlers: LiveHandlers): void {
    this.#handlers = handlers
    this.sessions.handle(handlers)
  }

  laneOf(bare: string): Lane {
    return this.lanes.length === 1 ? this.lanes[0]! : this.lanes[hash(bare) % this.lanes.length]!
  }

  tell(topic: string, text: string): void {
    this.lanes[0]!.fire('tell', `${this.node}\n${topic}\n${text}`)
  }

  async post(node: string, topic: string, text: string): Promise<boolean> {
    return (await this.lanes[0]!.call<number>('post', node, `${this.node}\n${topic}\n${text}`)) > 0
  }

  /** Runs a task while no other node runs one of that name. */
  async alone<T>(name: string, task: () => Promise<T>): Promise<T> {
    const lane = this.laneOf(name)
    const claim = () => lane.call<number>('claim', name, this.node, CLAIM)
    while ((await claim()) !== 1) await this.server.pause(CLAIM_RETRY)
    const renew = setInterval(() => void claim().catch(() => undefined), CLAIM / 3)
    try {
      return await task()
    } finally {
      clearInterval(renew)
      lane.fire('release', name, this.node)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const stop of this.#stops) stop()
    await this.members.leave().catch((error: Error) => this.#log('warn', `Not signed off from Redis: ${error.message}`))
    await Promise.all(this.lanes.map(lane => lane.close()))
    this.server.close()
  }

  async #listen(): Promise<void> {
    const own = this.lanes.flatMap(({ tag }) => [`${tag}:in:${this.node}`, `${tag}:dir`])
    await this.server.listen([...own, `${this.lanes[0]!.tag}:all`])
  }

  #heard(channel: string, text: string): void {
    if (channel.endsWith(':dir')) this.sessions.directory.told(text)
    else if (channel.endsWith(':all')) {
      const [from, topic, what] = splitTwice(text)
      if (from !== this.node) this.#handlers?.told(topic, what, from)
    } else if (text.startsWith('p\n')) {
      const [from, topic, what] = splitTwice(text.slice(2))
      this.#handlers?.told(topic, what, from)
    } else this.sessions.heard(text)
  }

  #deaf(): void {
    this.isHearing = false
    this.sessions.directory.clear()
    this.sessions.deaf()
  }

  #hearing(): void {
    this.isHearing = true
    this.sessions.directory.clear()
    this.sessions.missed()
  }

  #sweep(): void {
    if (this.#sweeping) return
    this.#sweeping = true
    const sweeps = this.lanes.map(async lane => this.sessions.endAll(await lane.call<unknown[]>('sweep', SWEPT)))
    Promise.all(sweeps)
      .catch((error: Error) => this.#stopped || this.#log('warn', `Sessions whose time is over wait: ${error.message}`))
      .finally(() => {
        this.#sweeping = false
      })
  }

  /** Redis has forgotten something that it had answered: no number of this bucket can be trusted. */
  #lost(lane: Lane): void {
    this.#log('error', 'Redis has lost changes that it had confirmed: sessions start again, clients read the archive')
    this.fences++
    const now = this.#time()
    const silent = performance.now() - lane.answered
    const gap = { from: now - silent - ON_ITS_WAY, to: now + ON_ITS_WAY }
    this.gaps = [...this.gaps.slice(1 - GAPS), gap]
    const before = new Set([...this.sessions.local.values()].filter(local => local.lane === lane))
    this.members.forgotten()
    // Its versions begin again from below.
    this.sessions.directory.clear()
    // At once: what the client says now of numbers would be compared with others.
    for (const { outlet } of before) outlet.replaced('lost')
    this.#fence(lane, before).catch((error: Error) => this.#log('error', `Sessions were not fenced: ${error.message}`))
  }

  async #fence(lane: Lane, before: ReadonlySet<Local>): Promise<void> {
    const nodes = (await this.members.nodes()).map(({ node }) => node)
    for (;;) {
      const reports = await lane.call<unknown[]>('fence', SWEPT, this.node, ...nodes)
      this.sessions.endAll(reports, 'lost')
      if (reports.length < SWEPT) break
    }
    this.sessions.lose(before)
  }

  /** Others have given this node up: it goes on as another one, without sessions. */
  async #restart(dead: string): Promise<void> {
    this.sessions.abandon()
    this.sessions.directory.clear()
    await this.#listen()
    for (const { tag } of this.lanes) await this.server.unlisten(`${tag}:in:${dead}`)
  }
}

/** FNV-1a: spreads accounts over the buckets, the same on every node. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
