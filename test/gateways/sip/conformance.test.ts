import sip from '@parley/gateway-sip'
import { freePort } from '../../ports.ts'
import { AS_SHOWN, HIDDEN, type Peer as KitPeer, type Login, runConformance, Spoiler, says } from '../kit/index.ts'
import { Peer } from './peer.ts'
import { SipPerson } from './person.ts'

/** All of far.example behind one proxy, which is the adapter's way to everybody. */
async function makePeer(): Promise<KitPeer> {
  const [port, far, nowhere] = [await freePort(), await freePort(), await freePort()]
  const proxy = await Peer.open(port, far)
  await proxy.listens()
  const people = new Map<string, SipPerson>()
  proxy.serve = heard => {
    const person = people.get(/<sips?:([^>;]+)/.exec(heard.header('to'))?.[1] ?? '')
    if (heard.first.startsWith('OPTIONS')) proxy.answer(heard, '200 OK')
    else if (person) person.heard(heard)
    else if (!heard.first.startsWith('ACK')) proxy.answer(heard, '404 Not Found')
  }
  // Between the two on TCP, one for each way.
  const [way, door] = [await Spoiler.open(far), await Spoiler.open(port)]
  const doors = { listen: '127.0.0.1', udp: port, tcp: port }
  let settings = { ...doors, transport: 'udp', proxy: `127.0.0.1:${far};transport=udp` }
  const account = async (name: string): Promise<Login> => {
    const id = `${name}@example.org`
    return { id, user: id, fields: {}, secrets: {} }
  }
  return {
    get settings() {
      return settings
    },
    // Who registers somewhere hears at once whether somebody is there.
    nowhere: { ...settings, register: 'sip:gateway@far.example', proxy: `127.0.0.1:${nowhere};transport=tcp` },
    account,
    async person(name) {
      const id = `${name}@far.example`
      const person = people.get(id) ?? new SipPerson(proxy, name)
      people.set(id, person)
      return person
    },
    room: name => `${name}@far.example`,
    stranger: 'nobody@far.example',
    // Lists are the core's: it asks, and others agree.
    contacts: async () => {},
    async garbage(_id, bytes) {
      proxy.raw(Buffer.from(bytes.subarray(0, 9000)).toString('latin1'))
      await says(port, bytes)
    },
    freeze: async () => proxy.freeze(),
    // A datagram comes as a whole: who is slow speaks over TCP.
    async slow() {
      settings = { ...doors, transport: 'tcp', proxy: `127.0.0.1:${way.port};transport=tcp` }
      proxy.over(door.port)
      for (const spoiler of [way, door]) spoiler.slow()
    },
    async stop() {
      proxy.close()
      way.close()
      door.close()
    },
  }
}

// Nothing is cut: no connection is one of a session, and datagrams have none.
runConformance({
  adapter: sip as unknown as Parameters<typeof runConformance>[0]['adapter'],
  makePeer,
  has: ['nowhere', 'garbage', 'freeze', 'slow', 'contacts', 'strangers'],
  presence: { out: [...AS_SHOWN, HIDDEN], in: AS_SHOWN },
})
