import { expect, test } from '@jest/globals'
import msnp from '@parley/gateway-msnp'
import { survives } from '../public-im/fuzz.ts'
import { Seat } from '../public-im/seat.ts'
import { comes, JULIET, PASSWORD, ROMEO, verona } from './cast.ts'
import { line, lineWith } from './wire.ts'

test('whatever a server says, a session of Messenger ends as it should', async () => {
  const servers = await verona()
  const juliet = await comes(servers, JULIET)
  await juliet.session.setPresence?.({ show: 'dnd', text: 'On the balcony' }, { key: '1' })
  const romeo = await comes(servers, ROMEO)
  await romeo.hears('presence', event => event.presence.text !== undefined)
  servers.challenge(ROMEO)
  servers.says(ROMEO, lineWith('<NOTIFICATION></NOTIFICATION>', 'NOT'))
  servers.says(ROMEO, line('ADC', 0, 'RL', 'N=tybalt@capulet.example', 'F=Tybalt'))
  await romeo.hears('request')
  await juliet.session.send?.({ to: { peer: ROMEO }, text: 'Ay me! 🌹', key: '2', receipt: false })
  await romeo.hears('message')
  const recording = servers.mouths[1]?.said ?? []
  // The other board of the conversation: the one that romeo was called to.
  const board = servers.switchboards.mouths[1]?.said ?? []
  expect(recording.length).toBeGreaterThan(15)
  await Promise.all([romeo.session.stop(), juliet.session.stop()])
  const from = `127.0.0.1:${servers.ports.switchboard}`
  const moved = (port: number) =>
    recording.map(({ turn, bytes }) => ({
      turn,
      bytes: Buffer.from(bytes.toString('latin1').replace(from, `127.0.0.1:${port}`), 'latin1'),
    }))
  const enters = (port: number) =>
    Seat.of(
      msnp,
      { host: '127.0.0.1', port, nexus: servers.passport.nexus },
      { address: ROMEO },
      { password: PASSWORD },
    )
  const { logins } = await survives(port => [moved(port), board], enters, 100)
  expect(logins).toBeGreaterThan(10)
  await servers.close()
})
