import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { WebSocket } from 'ws'
import { generalNames, issue, xmppAddr } from '../../packages/wire/test/issue.ts'
import { dial, dialTls, dropAll, header } from '../../packages/wire/test/peer.ts'
import { Front } from '../security/wire/front.ts'

let front: Front
async function open(settings: Record<string, unknown> = {}): Promise<Front> {
  front = await Front.open({ domains: ['a.test'], ...settings })
  return front
}
afterEach(async () => {
  await dropAll()
  await front.close()
})

test('RFC 6120 § 5: nothing but STARTTLS is offered in the clear, and after it the stream begins anew', async () => {
  await open()
  const peer = await dial(front.port('client'))
  await peer.write(header('a.test'))
  const clear = await peer.until('</stream:features>')
  expect(clear).toContain('<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"><required/></starttls>')
  expect(clear).not.toContain('<mechanism')

  await peer.write('<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>')
  await peer.until('<proceed')
  const secured = await dialTls({ socket: peer.socket, servername: 'a.test' })
  await secured.write(header('a.test'))
  const features = await secured.until('</stream:features>')
  expect(features).toContain('<mechanism>SCRAM-SHA-256-PLUS</mechanism>')
  expect(features).not.toContain('<starttls')
})

test('RFC 7590 § 3: nobody authenticates without TLS', async () => {
  await open()
  const peer = await dial(front.port('client'))
  await peer.write(header('a.test'))
  await peer.until('</stream:features>')
  await peer.write('<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">AGEAYg==</auth>')
  expect(await peer.until('</failure>')).toMatch(/<(invalid-mechanism|encryption-required)/)
})

test('XEP-0368 § 3: direct TLS, with the protocol named in ALPN', async () => {
  await open()
  const peer = await dialTls({ port: front.port('clientTls'), servername: 'a.test', ALPNProtocols: ['xmpp-client'] })
  expect(peer.socket.alpnProtocol).toBe('xmpp-client')
  await peer.write(header('a.test'))
  expect(await peer.until('</stream:features>')).toContain('<mechanism>')
})

test('XEP-0178 § 2: a client certificate that names an account logs in by EXTERNAL, and only that account', async () => {
  const ca = await issue({ subject: 'CN=authority' })
  const file = join(tmpdir(), `parley-ca-${process.pid}.pem`)
  await writeFile(file, ca.cert)
  await open({ tls: { clientCa: file } })
  await front.server.hosts[0]!.accounts.create(Jid.parse('juliet@a.test'), 'secret')
  const { cert, key } = await issue({ subject: 'CN=j', names: generalNames(xmppAddr('juliet@a.test')), issuer: ca })
  const connect = () =>
    dialTls({ port: front.port('clientTls'), servername: 'a.test', ALPNProtocols: ['xmpp-client'], cert, key })
  const auth = (authzid: string) =>
    `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">${Buffer.from(authzid).toString('base64') || '='}</auth>`

  const juliet = await connect()
  await juliet.write(header('a.test'))
  expect(await juliet.until('</stream:features>')).toContain('<mechanism>EXTERNAL</mechanism>')
  await juliet.write(auth('romeo@a.test'))
  expect(await juliet.until('</failure>')).toContain('<invalid-authzid')
  await juliet.write(auth(''))
  await juliet.until('<success')
})

test('XEP-0156 § 3: host-meta names the WebSocket of a hosted domain', async () => {
  await open({ publicUrl: 'https://chat.a.test' })
  const peer = await dial(front.port('http'))
  await peer.write('GET /.well-known/host-meta.json HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
  await peer.closed
  expect(peer.received).toContain('urn:xmpp:alt-connections:websocket')
  expect(peer.received).toContain('wss://chat.a.test/ws')
  expect(peer.received.toLowerCase()).toContain('access-control-allow-origin: *')
})

test('RFC 7395 § 3: a stream of frames begins with <open/> and ends with <close/>', async () => {
  await open()
  const frames: string[] = []
  const socket = new WebSocket(`ws://127.0.0.1:${front.port('http')}/ws`, 'xmpp')
  const closed = new Promise(resolve => socket.on('close', resolve))
  socket.on('message', data => {
    frames.push(String(data))
    if (frames.length === 2) socket.send('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
  })
  socket.on('open', () => socket.send('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="a.test" version="1.0"/>'))
  await closed
  expect(socket.protocol).toBe('xmpp')
  expect(frames[0]).toMatch(/^<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" [^>]*from="a.test"/)
  expect(frames[1]).toContain('<stream:features')
  expect(frames[2]).toContain('<close')
})

test('XEP-0114 § 3: a component that knows the secret serves its domain', async () => {
  await open({ components: { 'gate.a.test': { secret: 'hush-hush' } } })
  const peer = await dial(front.port('component'))
  await peer.write(header('gate.a.test', 'jabber:component:accept'))
  const [, id] = /id="([^"]+)"/.exec(await peer.until('>')) ?? /id="([^"]+)"/.exec(await peer.until('>')) ?? []
  await peer.write(`<handshake>${createHash('sha1').update(`${id}hush-hush`).digest('hex')}</handshake>`)
  await peer.until('<handshake')
  await peer.write('<message from="gate.a.test" to="ghost@a.test" id="m1"><body>hi</body></message>')
  expect(await peer.until('</message>')).toContain('<service-unavailable')
})
