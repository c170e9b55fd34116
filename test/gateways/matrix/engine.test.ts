import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import matrix from '@parley/gateway-matrix'
import { by, eventually, Rig, Running } from '../kit/index.ts'

const JULIET = '@juliet:verona.test'
const USER = { user: 'romeo@example.org' }
let homeserver: Server
let rig: Rig
const asked: string[] = []

beforeEach(async () => {
  homeserver = createServer((request, response) => {
    request.resume()
    asked.push(`${request.method} ${request.url}`)
    response.end(JSON.stringify({ room_id: '!r:verona.test', event_id: '$e', joined: {} }))
  }).listen(0, '127.0.0.1')
  await once(homeserver, 'listening')
  const url = `http://127.0.0.1:${(homeserver.address() as { port: number }).port}`
  const tokens = { asToken: 'as', hsToken: 'hs' }
  const settings = { homeserver: url, serverName: 'verona.test', listenPort: 0, ...tokens }
  const login = { id: '', fields: {}, secrets: {} }
  rig = new Rig(new Running(matrix as never, settings, login), login)
  await rig.start()
})
afterEach(async () => {
  await rig.stop()
  homeserver.closeAllConnections()
  homeserver.close()
})

test('by the connections and the doors of the engine, messages go both ways', async () => {
  expect(await rig.send(JULIET, 'But, soft!', USER)).toEqual({ id: '$e', level: 'sent' })
  expect(asked.at(-1)).toMatch(/^PUT \/_matrix\/client\/v3\/rooms\/!r%3Averona.test\/send\/m.room.message\//)
  const port = /\d+$/.exec(rig.of('state')[0]?.detail ?? '')![0]
  const message = { msgtype: 'm.text', body: 'Ay me!' }
  const event = { type: 'm.room.message', room_id: '!r:verona.test', sender: JULIET, event_id: '$j', content: message }
  const response = await fetch(`http://127.0.0.1:${port}/_matrix/app/v1/transactions/1`, {
    method: 'PUT',
    headers: { authorization: 'Bearer hs' },
    body: JSON.stringify({ events: [event] }),
  })
  expect(response.status).toBe(200)
  expect(await eventually('the message', () => rig.heard[0])).toMatchObject({ ...USER, peer: JULIET, text: 'Ay me!' })
  await rig.do('setPresence', { show: 'away' }, { ...by(), ...USER })
  expect(asked.at(-1)).toMatch(/^PUT \/_matrix\/client\/v3\/presence\//)
})
