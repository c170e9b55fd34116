import type { Event, Presence } from '@parley/adapter'
import loopback, { type Login as Entry, type Person as Somebody, type World, world } from '@parley/gateway-loopback'
import { AS_SHOWN, HIDDEN, type Login, type Peer, type Person, runConformance, type Signal } from './kit/index.ts'

let count = 0
const PASSWORD = 'wherefore-art-thou'

/** Somebody of the loopback network. */
class LoopPerson implements Person, Entry {
  readonly told: Event[] = []
  readonly #world: World
  readonly #person: Somebody

  constructor(at: World, id: string, shares = false) {
    this.#world = at
    this.#person = at.enter(id, this, { shares })
  }

  get id(): string {
    return this.#person.id
  }

  heard(event: Event): void {
    this.told.push(event)
  }

  thrown(): void {}

  async says(peer: string, text: string, replyTo?: string): Promise<string | undefined> {
    return this.#world.talk.say(this.#person, { peer }, { text, replyTo }, Date.now(), this).id
  }

  async signals(peer: string, signal: Signal): Promise<void> {
    const { talk } = this.#world
    if (signal.type === 'edit' || signal.type === 'retract' || signal.type === 'reaction')
      talk.tell(this.#person, { peer }, signal, this)
    else talk.hint(this.#person, { peer }, from => ({ ...signal, ...from }))
  }

  async shows(presence: Presence): Promise<void> {
    this.#world.setPresence(this.#person, presence, this)
  }

  async adds(id: string): Promise<void> {
    this.#world.add(this.#person, id, {})
  }

  async answers(id: string, yes: boolean): Promise<void> {
    this.#world.answer(this.#person, id, yes)
  }

  async removes(id: string): Promise<void> {
    this.#world.remove(this.#person, id)
  }

  async joins(room: string, nick: string): Promise<void> {
    this.#world.rooms.join(this.#person, room, nick)
  }

  async parts(room: string): Promise<void> {
    this.#world.rooms.leave(this.#person, room)
  }

  async leaves(): Promise<void> {
    this.#world.leave(this.#person, this)
  }
}

async function makePeer(): Promise<Peer> {
  const name = `conformance ${++count}`
  const network = world(name)
  const account = async (id: string, password = PASSWORD): Promise<Login> => {
    network.person(id)
    return { id, fields: { name: id }, secrets: { password } }
  }
  return {
    settings: { world: name, password: PASSWORD },
    account,
    person: async id => new LoopPerson(network, id),
    room: room => `#${room}`,
    stop: async () => {},
    wrong: id => account(id, 'wrong-password'),
    elsewhere: async ({ id }) => new LoopPerson(network, id, true),
    cut: async id => network.cut(id),
    replace: async id => void new LoopPerson(network, id),
    stranger: 'nobody',
    async contacts({ id }, ids) {
      const both = (of: string, whom: string) => network.person(of).contact(whom, { subscription: 'both' })
      for (const other of ids) {
        both(id, other)
        both(other, id)
      }
    },
  }
}

runConformance({
  adapter: loopback,
  makePeer,
  has: ['wrong', 'elsewhere', 'cut', 'replace', 'strangers', 'contacts', 'offline', 'nicks', 'directory'],
  presence: { out: [...AS_SHOWN, HIDDEN], in: [...AS_SHOWN, HIDDEN] },
})
