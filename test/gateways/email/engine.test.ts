import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import email from '@parley/gateway-email'
import { eventually, Rig, Running } from '../kit/index.ts'
import { ROMEO } from './stand.ts'

const JULIET = 'juliet@verona.test'
let server: Server
let rig: Rig
let heard = ''

beforeEach(async () => {
  heard = ''
  server = createServer(socket => {
    socket.on('error', () => {})
    socket.write('220 mx\r\n')
    socket.on('data', (chunk: Buffer) => {
      heard += chunk
      const isMail = chunk.toString().endsWith('\r\n.\r\n')
      socket.write(chunk.toString().startsWith('DATA') ? '354 go\r\n' : isMail ? '250 taken\r\n' : '250 ok\r\n')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const settings = { host: '127.0.0.1', port, security: 'none', listenPort: 0 }
  const login = { id: '', fields: {}, secrets: {} }
  rig = new Rig(new Running(email as never, settings, login), login)
  await rig.start()
})
afterEach(async () => {
  await rig.stop()
  server.close()
})

test('by the connections and the doors of the engine, mail goes both ways', async () => {
  const { id } = await rig.send(JULIET, 'But, soft!', { user: ROMEO })
  expect(heard).toContain(`Message-ID: ${id}`)
  const address = /MAIL FROM:<([^>]+)>/.exec(heard)![1]
  const port = Number(/\d+$/.exec(rig.of('state')[0]?.detail ?? '')![0])
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.resume()
  socket.write(`EHLO x\r\nMAIL FROM:<${JULIET}>\r\nRCPT TO:<${address}>\r\nDATA\r\n`)
  socket.write(`From: ${JULIET}\r\nIn-Reply-To: ${id}\r\n\r\nAy me!\r\n.\r\nQUIT\r\n`)
  const expected = { user: ROMEO, peer: JULIET, text: 'Ay me!', replyTo: id }
  expect(await eventually('the mail', () => rig.heard[0])).toMatchObject(expected)
})
