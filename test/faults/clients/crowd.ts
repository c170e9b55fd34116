import { DOMAIN } from '../stage/front.ts'
import type { World } from './client.ts'
import { Connection } from './connection.ts'
import { Talker, type Task } from './talker.ts'

/** Sessions of one account. */
const EACH = 40
/** Who connects at once, at first. */
const TOGETHER = 64
const TICK = 1000

/** Very many clients that do nothing but be there, and one who has a word for each of them. */
export class Crowd {
  readonly members: Talker[] = []
  readonly #world: World
  readonly #crier: Talker
  readonly #tasks: readonly Task[]
  #timer: NodeJS.Timeout | undefined

  constructor(world: World, count: number) {
    this.#world = world
    for (let i = 0; i < count; i++) {
      const user = `crowd${Math.floor(i / EACH)}`
      this.members.push(new Talker(world, { user, resource: `r${i % EACH}`, idle: true }))
    }
    this.#tasks = this.members.map(({ name, account }): Task => {
      const stream = `crier>${name.split('@')[0]}/${name.split('/')[1]}`
      world.recorder.streams.push({ name: stream, watchers: [name], accounts: [`crier@${DOMAIN}`, account] })
      return { stream, to: [name], rate: 0 }
    })
    this.#crier = new Talker(world, { user: 'crier', resource: 'r', tasks: this.#tasks, idle: true })
  }

  /** Connects everybody. */
  async gather(): Promise<void> {
    const users = new Set([...this.members, this.#crier].map(({ user }) => user))
    for (const user of users) await Connection.register(this.#world.ports[0]!, user)
    const waiting = [this.#crier, ...this.members]
    this.#timer = setInterval(() => {
      const now = performance.now()
      for (const client of [this.#crier, ...this.members]) client.tick(now)
    }, TICK)
    const comeOne = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        next.start()
        await next.ready()
      }
    }
    await Promise.all(Array.from({ length: TOGETHER }, comeOne))
  }

  /** Everybody loses the connection at once, while there is a message for each. Resolves when all are back and have it. */
  async storm(): Promise<void> {
    for (const member of this.members) member.drop()
    for (const task of this.#tasks) this.#crier.sendOne(task)
    await Promise.all(this.members.map(member => member.ready()))
    await this.#crier.settled()
  }

  async leave(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([this.#crier, ...this.members].map(client => client.stop()))
  }
}
