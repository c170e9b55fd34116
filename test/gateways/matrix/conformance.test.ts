import type { Presence } from '@parley/adapter'
import matrix from '@parley/gateway-matrix'
import { freePort } from '../../ports.ts'
import { type Login, type Peer, runConformance, Spoiler, spoils } from '../kit/index.ts'
import { Homeserver } from './homeserver.ts'
import { MatrixPerson } from './person.ts'

const NAME = 'verona.test'
const TOKENS = { asToken: 'the-gateway-comes-with-this', hsToken: 'the-homeserver-comes-with-this' }

async function makePeer(): Promise<Peer> {
  const [gateway, nowhere] = [await freePort(), await freePort()]
  // Between the two, one for each way.
  const door = await Spoiler.open(gateway)
  const home = await Homeserver.open({ name: NAME, gateway: door.port, ...TOKENS })
  const way = await Spoiler.open(Number(new URL(home.url).port))
  const people = new Map<string, MatrixPerson>()
  const settings = { homeserver: `http://127.0.0.1:${way.port}`, serverName: NAME, listenPort: gateway, ...TOKENS }
  const account = async (name: string): Promise<Login> => {
    return { id: `@xmpp_${name}:${NAME}`, user: `${name}@example.org`, fields: {}, secrets: {} }
  }
  return {
    settings,
    nowhere: { ...settings, homeserver: `http://127.0.0.1:${nowhere}` },
    account,
    async person(name) {
      const person = people.get(name) ?? new MatrixPerson(home, name)
      people.set(name, person)
      return person
    },
    room: name => `#${name}:${NAME}`,
    stranger: `@nobody:${NAME}`,
    // Whoever has a room with somebody sees them.
    async contacts(login, ids) {
      for (const id of ids) await home.meets(id, login.id)
    },
    ...spoils(gateway, way, door),
    async stop() {
      await home.close()
      way.close()
      door.close()
    },
  }
}

/** The network has three words, and a text. */
const away = (text: string) => ({ show: 'away', text }) as const
const out: readonly (readonly [Presence, Presence])[] = [
  [{ show: 'available' }, { show: 'available' }],
  [
    { show: 'chat', text: 'come and talk' },
    { show: 'available', text: 'come and talk' },
  ],
  [away('gone fishing'), away('gone fishing')],
  [{ show: 'xa' }, { show: 'away' }],
  [{ show: 'dnd' }, away('busy')],
  [{ show: 'dnd', text: 'studying' }, away('studying')],
  [{ show: 'invisible' }, { show: 'unavailable' }],
]
const seen: readonly Presence[] = [
  { show: 'available', text: 'come and talk' },
  away('gone fishing'),
  { show: 'dnd' },
  { show: 'unavailable' },
]

// Nothing is cut: no connection is one of a session (broken.test.ts).
runConformance({
  adapter: matrix as unknown as Parameters<typeof runConformance>[0]['adapter'],
  makePeer,
  has: ['nowhere', 'garbage', 'freeze', 'slow', 'contacts', 'strangers', 'offline'],
  presence: { out: out.map(([sent, seen]) => ({ sent, seen })), in: seen.map(sent => ({ sent, seen: sent })) },
})
