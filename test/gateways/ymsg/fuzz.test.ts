import { expect, test } from '@jest/globals'
import { survives } from '../public-im/fuzz.ts'
import { comes, seat, verona } from './cast.ts'

test('whatever a server says, a session of Yahoo! Messenger ends as it should', async () => {
  const server = await verona()
  const juliet = await comes(server, 'juliet')
  const romeo = await comes(server, 'romeo')
  await juliet.session.send?.({ to: { peer: 'romeo' }, text: 'Ay me! 🌹', key: '1', receipt: false })
  await juliet.session.typing?.({ peer: 'romeo' }, 'composing', { key: '2' })
  await juliet.session.setPresence?.({ show: 'away', text: 'Gone in' }, { key: '3' })
  server.says('romeo', 0x18, [
    [1, 'romeo'],
    [57, 'ball-1'],
    [50, 'mercutio'],
    [58, 'Come!'],
  ])
  server.says('romeo', 0x14, [[14, 'Maintenance tonight']])
  server.says(
    'romeo',
    0x0f,
    [
      [1, 'romeo'],
      [3, 'tybalt'],
      [14, 'Villain!'],
    ],
    3,
  )
  await romeo.hears('request')
  await romeo.hears('message')
  await romeo.hears('presence', event => event.presence.text === 'Gone in')
  const recorded = server.mouths[1]?.said ?? []
  expect(recorded.length).toBeGreaterThan(8)
  await Promise.all([romeo.session.stop(), juliet.session.stop()])
  await server.close()
  const { logins } = await survives(
    () => [recorded],
    port => seat({ port }, 'romeo'),
    100,
  )
  expect(logins).toBeGreaterThan(10)
})
