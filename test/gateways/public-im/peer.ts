import type { Adapter, Event, Presence } from '@parley/adapter'
import type { Login, Peer, Person, Signal } from '../kit/index.ts'
import type { Mouth } from './mouth.ts'
import { Seat } from './seat.ts'

const PASSWORD = 'wherefore-art-thou'

/** What a simulator has to be able to do for the plays that every adapter has to pass. */
export interface Network {
  readonly adapter: Adapter
  readonly settings: Readonly<Record<string, string | number | boolean>>
  /** The id of somebody of that name. */
  id(name: string): string
  /** The name of the field of the login that holds the id. */
  readonly field: string
  add(id: string, password: string): void
  befriend(id: string, others: readonly string[]): void
  mouthOf(id: string): Mouth | undefined
  slow(): void
  /** What stands for "no longer typing", where the network has no word for it. */
  closes?(id: string): void
  readonly stranger?: string
  close(): Promise<void> | void
}

/** Somebody of the network: with a session of the adapter too, the server between them being the judge. */
class Somebody implements Person {
  readonly id: string
  readonly #seat: Seat
  readonly #network: Network
  #keys = 0

  constructor(id: string, seat: Seat, network: Network) {
    this.id = id
    this.#seat = seat
    this.#network = network
  }

  get told(): readonly Event[] {
    return this.#seat.events
  }

  async says(peer: string, text: string): Promise<string | undefined> {
    // Where nobody answers, the time of the one who calls runs out.
    const late = setTimeout(() => this.#seat.clock.pass(60_000), 1000)
    try {
      const ack = await this.#seat.session.send?.({ ...this.#by(), to: { peer }, text, receipt: false })
      return ack?.id
    } finally {
      clearTimeout(late)
    }
  }

  async signals(peer: string, signal: Signal): Promise<void> {
    const { session } = this.#seat
    if (signal.type === 'attention') await session.attention?.({ peer }, this.#by())
    else if (signal.type !== 'typing') throw new Error(`The network has no ${signal.type}`)
    else if (signal.state !== 'composing' && this.#network.closes) this.#network.closes(this.id)
    else await session.typing?.({ peer }, signal.state, this.#by())
  }

  async shows(presence: Presence): Promise<void> {
    await this.#seat.session.setPresence?.(presence, this.#by())
  }

  async adds(id: string): Promise<void> {
    await this.#seat.session.addContact?.(id, {}, this.#by())
  }

  async answers(id: string, yes: boolean): Promise<void> {
    await this.#seat.session.answer?.(id, yes, this.#by())
  }

  async removes(id: string): Promise<void> {
    await this.#seat.session.removeContact?.(id, this.#by())
  }

  async joins(): Promise<void> {
    throw new Error('The network has no rooms')
  }

  async parts(): Promise<void> {
    throw new Error('The network has no rooms')
  }

  leaves(): Promise<void> {
    return this.#seat.session.stop()
  }

  #by() {
    return { key: `${this.id} ${++this.#keys}` }
  }
}

/** A simulator as the peer of the plays. */
export function peerOf(network: Network): Peer {
  const seats: Seat[] = []
  const known = new Set<string>()
  const made = (name: string) => {
    const id = network.id(name)
    if (!known.has(id)) network.add(id, PASSWORD)
    known.add(id)
    return id
  }
  const login = (id: string, password: string): Login => ({
    id,
    fields: { [network.field]: id },
    secrets: { password },
  })
  const enters = async (id: string) => {
    const seat = Seat.of(network.adapter, network.settings, { [network.field]: id }, { password: PASSWORD })
    seats.push(seat)
    await seat.session.start()
    return seat
  }
  // Somebody who comes again has the same session: the plays ask for them by name.
  const people = new Map<string, Somebody>()
  return {
    settings: network.settings,
    account: async name => login(made(name), PASSWORD),
    person: async name => {
      const id = made(name)
      const there = people.get(id) ?? new Somebody(id, await enters(id), network)
      people.set(id, there)
      return there
    },
    room: name => name,
    stop: async () => {
      for (const seat of seats) await seat.session.stop()
      await network.close()
    },
    wrong: async name => login(made(name), 'not-the-password'),
    nowhere: { ...network.settings, port: 1 },
    cut: async id => network.mouthOf(id)?.cut(),
    replace: async id => void (await enters(id)),
    garbage: async (id, bytes) => network.mouthOf(id)?.say(bytes),
    slow: async () => network.slow(),
    contacts: async ({ id }, ids) => network.befriend(id, ids),
    ...(network.stranger === undefined ? {} : { stranger: network.stranger }),
  }
}
