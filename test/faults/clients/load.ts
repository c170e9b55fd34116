import type { ArchiveView } from '../history.ts'
import { DOMAIN } from '../stage/front.ts'
import { readArchives } from './archives.ts'
import type { World } from './client.ts'
import { Connection } from './connection.ts'
import { Mortals, Watcher } from './mortals.ts'
import { Pager } from './pager.ts'
import { Talker, type TalkerParts, type Task } from './talker.ts'

const TICK = 20

export interface LoadShape {
  /** Accounts that talk in pairs, both ways. */
  readonly pairs: number
  /** Messages a second of each sender. */
  readonly rate: number
  /** Two clients who do not take what they get: `choked/r` reads when the nemesis lets it, `mute/r` acknowledges nothing. */
  readonly consumers?: boolean
}

export const USUAL: LoadShape = { pairs: 6, rate: 40 }

/**
 * The clients of a run. Pairs talk both ways; three senders talk to one account with three resources that copy each other
 * (XEP-0280), by turns to all and to one of them; the senders' account has a second resource that must see copies of what
 * they send; two clients without stream management talk to each other and page the archive; mortals come and go. Where there is a
 * neighbour there are pairs alone, one of each here and one there.
 */
export class Load {
  readonly talkers: Talker[] = []
  readonly pagers: Pager[] = []
  readonly #mortals: Mortals | undefined
  /** Whose account is where. */
  readonly #users = new Map<string, World>()
  /** Others who are there to the end. */
  readonly #beside: { leave(): Promise<void> }[] = []
  readonly #world: World
  #timer: NodeJS.Timeout | undefined

  constructor(world: World, { pairs, rate, consumers = false }: LoadShape, neighbour?: World) {
    this.#world = world
    if (neighbour) {
      for (let i = 0; i < pairs; i++) this.#neighbours(`a${i}`, `b${i}`, rate, neighbour)
      return
    }
    for (let i = 0; i < pairs; i++) this.#pair(`a${i}`, `b${i}`, rate)
    this.#fan(rate)
    this.#plain(rate / 2)
    if (consumers) this.#consumers(rate)
    this.#mortals = new Mortals(world, 'mortal')
    this.#users.set('mortal', world).set('watcher', world)
    this.talkers.push(new Watcher(world, { user: 'watcher', resource: 'w' }))
  }

  get world(): World {
    return this.#world
  }

  beside(others: { leave(): Promise<void> }): void {
    this.#beside.push(others)
  }

  /** The whole archive of everybody. */
  async archives(): Promise<ArchiveView[]> {
    const views: ArchiveView[] = []
    for (const [user, world] of this.#users) views.push(...(await readArchives(world, [user])))
    return views
  }

  get clients(): readonly (Talker | Pager)[] {
    return [...this.talkers, ...this.pagers]
  }

  /** Makes the accounts and connects everybody. */
  async begin(): Promise<void> {
    for (const [user, { ports, domain }] of this.#users) await Connection.register(ports[0]!, user, domain)
    await this.#mortals?.befriend('watcher')
    for (const client of this.clients) client.start()
    this.#timer = setInterval(() => {
      const now = performance.now()
      for (const client of this.clients) client.tick(now)
    }, TICK)
  }

  /** The client of that name. */
  find(name: string): Talker | undefined {
    return this.talkers.find(talker => talker.name === name)
  }

  get isReady(): boolean {
    return this.clients.every(client => client.isReady)
  }

  /** Starts or ends the sending. */
  send(is: boolean): void {
    for (const client of this.clients) client.isSending = is
    if (is) this.#mortals?.start()
    else this.#mortals?.stop()
  }

  /** Nothing is under way as far as the senders know. */
  get isSettled(): boolean {
    return this.clients.every(client => client.isReady && client.pending === 0)
  }

  get unanswered(): number {
    return this.talkers.reduce((sum, talker) => sum + talker.unanswered, 0)
  }

  async end(): Promise<void> {
    this.#mortals?.stop()
    clearInterval(this.#timer)
    await Promise.all([...this.clients.map(client => client.stop()), ...this.#beside.map(others => others.leave())])
  }

  /**
   * Both ways. Only the sender's archive is compared: where a message comes twice, its recipient's has it twice. Who is elsewhere is asked
   * nothing: an answer may be lost with the front end that has it.
   */
  #neighbours(here: string, there: string, rate: number, neighbour: World): void {
    const [one, other] = [
      { user: here, world: this.#world },
      { user: there, world: neighbour },
    ]
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const account = ({ user, world }: typeof one) => `${user}@${world.domain}`
      const stream = `${from.user}>${to.user}`
      const watchers = [`${account(to)}/r`]
      this.#world.recorder.streams.push({ name: stream, watchers, accounts: [account(from)] })
      const tasks = [{ stream, to: [account(to)], rate }]
      this.#users.set(from.user, from.world)
      this.talkers.push(new Talker(from.world, { user: from.user, resource: 'r', tasks }))
    }
  }

  #pair(one: string, other: string, rate: number): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.#talker({
        user: from,
        resource: 'r',
        tasks: [this.#task(from, [at(to)], rate, [`${at(to)}/r`])],
        peers: [`${at(to)}/r`],
      })
    }
  }

  #fan(rate: number): void {
    const resources = ['x', 'y', 'z'].map(resource => `${at('many')}/${resource}`)
    for (const resource of ['x', 'y', 'z']) this.#talker({ user: 'many', resource, carbons: true })
    for (const sender of ['f', 'g', 'h']) {
      const to = [at('many'), ...resources]
      const task = this.#task(sender, to, rate / 2, [...resources, `${at(sender)}/second`])
      this.#talker({ user: sender, resource: 'first', tasks: [task], peers: resources })
      this.#talker({ user: sender, resource: 'second', carbons: true })
    }
  }

  #consumers(rate: number): void {
    for (const [from, user] of [
      ['c', 'choked'],
      ['m', 'mute'],
    ] as const) {
      this.#talker({ user, resource: 'r', mute: user === 'mute' })
      const task = { ...this.#task(from, [at(user)], rate, [`${at(user)}/r`], true), padding: 8192 }
      this.#talker({ user: from, resource: 'r', tasks: [task] })
    }
  }

  #plain(rate: number): void {
    for (const [from, to] of [
      ['p', 'q'],
      ['q', 'p'],
    ] as const) {
      this.#users.set(from, this.#world)
      const tasks = [this.#task(from, [at(to)], rate, [`${at(to)}/plain`])]
      this.pagers.push(new Pager(this.#world, { user: from, resource: 'plain', tasks }))
    }
  }

  #talker(parts: TalkerParts): void {
    this.#users.set(parts.user, this.#world)
    this.talkers.push(new Talker(this.#world, parts))
  }

  #task(from: string, to: readonly string[], rate: number, watchers: readonly string[], isSlow = false): Task {
    const stream = `${from}>${to[0]!.split('@')[0]}`
    this.#world.recorder.streams.push({ name: stream, watchers, accounts: [at(from), to[0]!], isSlow })
    return { stream, to, rate }
  }
}

function at(user: string): string {
  return `${user}@${DOMAIN}`
}
