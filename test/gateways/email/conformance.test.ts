import email from '@parley/gateway-email'
import { freePort } from '../../ports.ts'
import { type Login, type Peer, runConformance, Spoiler, spoils } from '../kit/index.ts'
import { MailPerson, PostOffice } from './post.ts'

async function makePeer(): Promise<Peer> {
  const [gateway, nowhere] = [await freePort(), await freePort()]
  // Between the two, one for each way.
  const door = await Spoiler.open(gateway)
  const office = await PostOffice.open(door.port)
  const way = await Spoiler.open(office.port)
  const settings = { host: '127.0.0.1', port: way.port, security: 'none', listenPort: gateway, open: true }
  const account = async (name: string): Promise<Login> => {
    return { id: `${name}@email.example.org`, user: `${name}@example.org`, fields: {}, secrets: {} }
  }
  return {
    settings,
    nowhere: { ...settings, port: nowhere },
    account,
    person: async name => office.people.get(`${name}@verona.test`) ?? new MailPerson(office, name),
    room: name => `${name}@verona.test`,
    stranger: 'nobody@verona.test',
    ...spoils(gateway, way, door),
    async stop() {
      office.close()
      way.close()
      door.close()
    },
  }
}

// Nothing is cut: no connection is one of a session (broken.test.ts).
runConformance({
  adapter: email as unknown as Parameters<typeof runConformance>[0]['adapter'],
  makePeer,
  has: ['nowhere', 'garbage', 'freeze', 'slow', 'strangers', 'offline'],
  presence: { out: [], in: [] },
})
