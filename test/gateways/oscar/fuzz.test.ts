import { expect, test } from '@jest/globals'
import oscar from '@parley/gateway-oscar'
import { survives } from '../public-im/fuzz.ts'
import { Seat } from '../public-im/seat.ts'
import { comes, PASSWORD, verona } from './cast.ts'
import { name, text, tlv, word } from './wire.ts'

const says = (to: string, words: string) => ({ to: { peer: to }, text: words, key: words, receipt: false })

/** The port that the first server names, in a packet whose lengths are to stay as they are. */
const padded = (port: number) => `127.0.0.1:${String(port).padStart(5, '0')}`

test.each(['Romeo M', '1001'])(
  'whatever a server says, a session of %s ends as it should',
  async who => {
    const servers = await verona()
    const other = await comes(servers, who === '1001' ? '1002' : 'Juliet C')
    await other.session.setPresence?.({ show: 'away', text: 'Gone in' }, { key: '1' })
    const user = await comes(servers, who)
    const peer = who === '1001' ? '1001' : 'romeom'
    await other.session.send?.(says(peer, 'Ay me! 🌹'))
    await other.session.typing?.({ peer }, 'composing', { key: '2' })
    await user.hears('typing')
    servers.says(who, 0x13, 0x19, [...name('1003'), ...word(4), ...text('Sir?'), ...word(0)])
    servers.says(who, 0x13, 8, [...word(5), ...text('paris'), ...word(1), ...word(0x777), ...word(0), ...word(0)])
    servers.says(who, 4, 7, [
      ...text('12345678'),
      ...word(2),
      ...name('paris'),
      ...word(0),
      ...word(0),
      ...tlv(5, word(0)),
    ])
    await user.hears('notice')
    const gate = servers.gates[1]?.said ?? []
    const service = servers.mouths[1]?.said ?? []
    expect(service.length).toBeGreaterThan(15)
    const from = padded(servers.ports.service)
    await Promise.all([user.session.stop(), other.session.stop()])
    servers.close()
    expect(from).toHaveLength(15)
    const moved = (port: number) =>
      gate.map(({ turn, bytes }) => ({
        turn,
        bytes: Buffer.from(bytes.toString('latin1').replace(from, padded(port)), 'latin1'),
      }))
    const enters = (port: number) => Seat.of(oscar, { host: '127.0.0.1', port }, { name: who }, { password: PASSWORD })
    const { logins } = await survives(port => [moved(port), service], enters, 100)
    expect(logins).toBeGreaterThan(10)
  },
  120_000,
)
