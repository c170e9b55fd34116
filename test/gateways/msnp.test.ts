import type { Adapter, Presence } from '@parley/adapter'
import msnp from '@parley/gateway-msnp'
import { runConformance } from './kit/index.ts'
import { MessengerServers } from './msnp/simulator.ts'
import { peerOf } from './public-im/peer.ts'

const adapter = msnp as unknown as Adapter
const row = (sent: Presence, seen = sent) => ({ sent, seen })
const rows = [
  row({ show: 'available' }),
  row({ show: 'available', text: 'come and talk' }),
  row({ show: 'chat' }, { show: 'available' }),
  row({ show: 'away', text: 'gone fishing' }),
  row({ show: 'xa' }, { show: 'away' }),
  row({ show: 'dnd', text: 'studying' }),
  row({ show: 'invisible' }, { show: 'unavailable' }),
]
const address = (name: string) => (name.includes('@') ? name : `${name}@verona.example`)

runConformance({
  adapter,
  makePeer: async () => {
    const servers = await MessengerServers.open()
    return peerOf({
      adapter,
      settings: { host: '127.0.0.1', port: servers.ports.dispatch, nexus: servers.passport.nexus },
      field: 'address',
      id: address,
      add: (id, password) => servers.add(id, password),
      befriend: (id, others) => {
        for (const other of others) if (!other.includes('@')) servers.add(address(other), 'nobody has it')
        servers.befriend(id, others.map(address))
      },
      mouthOf: id => servers.mouthOf(id),
      slow: () => servers.slow(),
      closes: id => servers.switchboards.close(id),
      stranger: address('nobody'),
      close: () => servers.close(),
    })
  },
  has: ['wrong', 'nowhere', 'cut', 'replace', 'garbage', 'slow', 'contacts', 'strangers'],
  presence: { out: rows, in: rows },
})
