import type { Adapter } from '@parley/adapter'
import loopback from '@parley/gateway-loopback'
import { prosody } from '../../federation/peers/prosody.ts'
import { type Home, Person } from '../../federation/person.ts'
import type { Friend, Scene } from './scene.ts'
import { ROMEO } from './verona.ts'

/** Somebody with a client of XMPP. */
class Client implements Friend {
  readonly #person: Person
  readonly #romeo: string

  /** @param romeo his address, as the friend sees it */
  constructor(person: Person, romeo: string) {
    this.#person = person
    this.#romeo = romeo
  }

  async accepts(): Promise<void> {
    await this.#person.hears`<presence type="subscribe" from="${this.#romeo}"/>`
    this.#person.sends`<presence type="subscribed" to="${this.#romeo}"/>`
  }

  async says(text: string): Promise<void> {
    this.#person.sends`<message to="${this.#romeo}" type="chat"><body>${text}</body></message>`
  }

  async hears(text: string): Promise<void> {
    await this.#person.hears`<message type="chat"><body>${text}</body></message>`
  }
}

async function comes(home: Home, name: string): Promise<Person> {
  const person = await Person.join(home, name)
  await person.appears()
  return person
}

/** Two accounts of the same server, which meet in the gateway's own network. */
export const loop: Scene = {
  id: 'loop',
  title: 'Loopback',
  adapter: loopback as unknown as Adapter,
  // Requests of people whom nobody knows reach users.
  about: ['--verification', 'verified'],
  programs: [],
  login: { name: 'romeo' },
  contact: 'benvolio@loop.example.org',
  name: 'Benvolio',
  tells: 'at once',
  begins: 'friend',
  lines: ['Good morrow, cousin.', 'Is the day so young?'],
  async open(verona) {
    let person: Person | undefined
    return {
      settings: ['world=verona'],
      async enter() {
        person = await comes(verona, 'benvolio')
        const { attrs } = await person.asks`<iq type="set" to="loop.example.org"><query xmlns="jabber:iq:register">\
<name>benvolio</name></query></iq>`
        if (attrs['type'] !== 'result') throw new Error('Benvolio is not let in')
        return new Client(person, 'romeo@loop.example.org')
      },
      close: async () => person?.leave(),
    }
  },
}

/** A domain of another server, which the operator has made a partner. */
export const partner: Scene = {
  id: 'xmpp',
  title: 'Mantua',
  programs: ['prosody'],
  contact: 'apothecary@mantua.test',
  name: 'Apothecary',
  tells: 'at once',
  begins: 'friend',
  lines: ['Who calls so loud?', 'Come hither, man.'],
  async open(verona) {
    const server = await prosody.start(verona.world, 'mantua.test', { bidi: true })
    await verona.parley('federation', 'allow', 'mantua.test', '--type', 'public-verified', '--strangers', 'ask')
    let person: Person | undefined
    return {
      settings: [],
      async enter() {
        person = await comes(server, 'apothecary')
        return new Client(person, ROMEO)
      },
      close: async () => {
        person?.leave()
        await server.stop()
      },
    }
  },
}
