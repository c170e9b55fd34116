import type { Adapter, Presence } from '@parley/adapter'
import oscar from '@parley/gateway-oscar'
import { runConformance } from './kit/index.ts'
import { befriend, type User } from './oscar/people.ts'
import { OscarServers } from './oscar/simulator.ts'
import { peerOf } from './public-im/peer.ts'

const adapter = oscar as unknown as Adapter
const row = (sent: Presence, seen = sent) => ({ sent, seen })
const rows = [
  row({ show: 'available' }),
  row({ show: 'chat' }),
  row({ show: 'away' }),
  row({ show: 'xa' }),
  row({ show: 'dnd' }),
  row({ show: 'invisible' }, { show: 'unavailable' }),
]

// Everybody has a number, and wants to be asked: what AIM does apart from that is in oscar/oscar.test.ts.
runConformance({
  adapter,
  makePeer: async () => {
    const servers = await OscarServers.open()
    servers.limits = [80, 2500, 2000, 1500, 800, 100_000, 100_000]
    const numbers = new Map<string, string>()
    return peerOf({
      adapter,
      settings: { host: '127.0.0.1', port: servers.ports.gate },
      field: 'name',
      id: name => {
        const number = numbers.get(name) ?? String(1001 + numbers.size)
        numbers.set(name, number)
        return number
      },
      add: (id, password) => servers.add(id, password, {}, true),
      befriend: (id, others) => befriend(servers.find(id) as User, others, other => servers.find(other)),
      mouthOf: id => servers.find(id)?.line?.mouth,
      slow: () => servers.slow(),
      stranger: '999999',
      close: () => servers.close(),
    })
  },
  has: ['wrong', 'nowhere', 'cut', 'replace', 'garbage', 'slow', 'contacts', 'strangers', 'offline'],
  presence: { out: rows, in: rows },
})
