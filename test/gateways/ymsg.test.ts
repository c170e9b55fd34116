import type { Adapter, Presence } from '@parley/adapter'
import ymsg from '@parley/gateway-ymsg'
import { runConformance } from './kit/index.ts'
import { peerOf } from './public-im/peer.ts'
import { YahooServer } from './ymsg/simulator.ts'

const adapter = ymsg as unknown as Adapter
const row = (sent: Presence, seen = sent) => ({ sent, seen })
const rows = [
  row({ show: 'available' }),
  row({ show: 'available', text: 'come and talk' }),
  row({ show: 'chat' }, { show: 'available' }),
  row({ show: 'away' }, { show: 'away', text: 'Be right back' }),
  row({ show: 'xa' }, { show: 'xa', text: 'Not at home' }),
  row({ show: 'dnd' }),
  row({ show: 'dnd', text: 'studying' }, { show: 'away', text: 'studying' }),
  row({ show: 'invisible' }, { show: 'unavailable' }),
]

runConformance({
  adapter,
  makePeer: async () => {
    const server = await YahooServer.open()
    return peerOf({
      adapter,
      settings: { host: '127.0.0.1', port: server.port },
      field: 'name',
      id: name => name,
      add: (id, password) => server.add(id, password),
      befriend: (id, others) => server.befriend(id, others),
      mouthOf: id => server.mouthOf(id),
      slow: () => server.slow(),
      close: () => server.close(),
    })
  },
  has: ['wrong', 'nowhere', 'cut', 'replace', 'garbage', 'slow', 'contacts', 'offline'],
  presence: { out: rows, in: rows },
})
