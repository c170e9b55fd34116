import type { Jid } from '@parley/jid'
import { presenceOf } from './availability.ts'
import type { House } from './house.ts'
import type { Face, Networks } from './networks.ts'

/** Changes of presence that come so soon after each other are one (ms). */
const TOGETHER = 3000

/** Watches users come and go, for the networks that they are registered with. */
export class Watching {
  readonly #house: House
  readonly #networks: Networks
  readonly #changing = new Map<string, () => void>()
  readonly #leaving = new Map<string, () => void>()

  constructor(house: House, networks: Networks) {
    this.#house = house
    this.#networks = networks
  }

  /** A client is available for the first time: sessions begin (XEP-0100 §4.4). */
  async came(user: Jid): Promise<void> {
    this.#stop(this.#leaving, user)
    for (const { showing } of await this.#faces(user)) await showing.changed(user)
  }

  /** A client says something else of itself, or is gone. */
  changed(user: Jid): void {
    if (this.#changing.has(user.text) || !this.#concerns) return
    this.#later(this.#changing, user, TOGETHER, () => this.#settled(user))
  }

  stop(): void {
    for (const stop of [...this.#changing.values(), ...this.#leaving.values()]) stop()
  }

  get #concerns(): boolean {
    for (const _face of this.#networks.all) return true
    return false
  }

  async #settled(user: Jid): Promise<void> {
    const { live, config } = this.#house
    const faces = await this.#faces(user)
    if (presenceOf(await live.sessions(user))) {
      this.#stop(this.#leaving, user)
      for (const { showing } of faces) await showing.changed(user)
    } else if (faces.length > 0 && !this.#leaving.has(user.text))
      this.#later(this.#leaving, user, config.grace, async () => {
        for (const { showing } of faces) await showing.away(user)
      })
  }

  /** Networks that the user is registered with, or has somebody in. */
  async #faces(user: Jid): Promise<readonly Face[]> {
    if (!this.#concerns) return []
    const { registered } = this.#house
    const ids = await registered.of(user)
    const faces: Face[] = []
    let domains: ReadonlySet<string> | undefined
    for (const face of this.#networks.all) {
      if (face.net.federated) {
        domains ??= await this.#domains(user)
        if (domains.has(face.net.service.domain)) faces.push(face)
      } else if (ids.has(face.net.id)) faces.push(face)
    }
    return faces
  }

  /** Where the user's contacts are. */
  async #domains(user: Jid): Promise<ReadonlySet<string>> {
    const { items } = await this.#house.uses.roster.view(user)
    return new Set([...items.keys()].map(contact => contact.slice(contact.indexOf('@') + 1)))
  }

  #later(timers: Map<string, () => void>, user: Jid, ms: number, task: () => Promise<void>): void {
    const stop = this.#house.clock.after(ms, () => {
      timers.delete(user.text)
      task().catch((error: unknown) => this.#house.log.error('a network was not told of a presence', { error }))
    })
    timers.set(user.text, stop)
  }

  #stop(timers: Map<string, () => void>, user: Jid): void {
    timers.get(user.text)?.()
    timers.delete(user.text)
  }
}
