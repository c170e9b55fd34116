import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { dial, dialTls, dropAll, header, type Peer } from '../../packages/wire/test/peer.ts'
import { Front } from '../security/wire/front.ts'

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const v1 = (client: string) => `PROXY TCP4 ${client} 198.51.100.1 56324 5222\r\n`
function v2(client: string, command = 0x21): Buffer {
  const addresses = [...client.split('.').map(Number), 198, 51, 100, 1, 0xdc, 4, 0x14, 0x66]
  return Buffer.concat([SIGNATURE, Buffer.from([command, 0x11, 0, 12, ...addresses])])
}

let front: Front
async function open(settings: Record<string, unknown> = {}): Promise<Front> {
  front = await Front.open({ domains: ['a.test'], trustedProxies: ['127.0.0.0/8'], ...settings })
  return front
}
afterEach(async () => {
  await dropAll()
  await front.close()
})

/** The addresses of the streams that are open. */
const clients = () => [...front.server.streams].map(({ wire }) => wire.remote)

/** A TLS handshake over a connection that begins with `first`, in the same packet as the ClientHello. */
async function tlsBehind(port: number, first: Buffer): Promise<Peer> {
  const { socket: raw } = await dial(port)
  let before = first
  const below = new Duplex({
    read: () => {},
    write(chunk: Buffer, _, done) {
      raw.write(Buffer.concat([before, chunk]), done)
      before = Buffer.alloc(0)
    },
  })
  raw.on('data', chunk => below.push(chunk))
  return dialTls({ socket: below, servername: 'a.test', ALPNProtocols: ['xmpp-client'] })
}

describe('the PROXY protocol on XMPP listeners', () => {
  test.each([
    ['version 1', v1('192.0.2.1')],
    ['version 2', v2('192.0.2.1')],
  ])('%s tells whose a connection is; what follows in the same packet is the stream', async (_, first) => {
    await open()
    const peer = await dial(front.port('client'))
    await peer.write(Buffer.concat([Buffer.from(first), Buffer.from(header('a.test'))]))
    await peer.until('</stream:features>')
    expect(clients()).toEqual(['192.0.2.1'])
  })

  test('a header may come in many packets', async () => {
    await open()
    const peer = await dial(front.port('client'))
    for (const byte of v2('192.0.2.2')) {
      await peer.write(Buffer.from([byte]))
      await new Promise(resolve => setImmediate(resolve))
    }
    await front.until(() => clients().length > 0)
    await peer.write(header('a.test'))
    await peer.until('</stream:features>')
    expect(clients()).toEqual(['192.0.2.2'])
  })

  test('direct TLS begins behind it', async () => {
    await open()
    const peer = await tlsBehind(front.port('clientTls'), v2('192.0.2.3'))
    await peer.write(header('a.test'))
    await peer.until('</stream:features>')
    expect(clients()).toEqual(['192.0.2.3'])
  })

  test('STARTTLS works behind it', async () => {
    await open()
    const peer = await dial(front.port('client'))
    await peer.write(`${v1('192.0.2.4')}${header('a.test')}`)
    await peer.until('</stream:features>')
    await peer.write('<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>')
    await peer.until('<proceed')
    const secured = await dialTls({ socket: peer.socket, servername: 'a.test' })
    await secured.write(header('a.test'))
    await secured.until('</stream:features>')
    expect(clients()).toEqual(['192.0.2.4'])
  })

  test('a proxy that looks after our health, or knows no client, has its own address', async () => {
    await open()
    for (const first of [v2('192.0.2.1', 0x20), 'PROXY UNKNOWN\r\n']) {
      const peer = await dial(front.port('client'))
      await peer.write(Buffer.concat([Buffer.from(first), Buffer.from(header('a.test'))]))
      await peer.until('</stream:features>')
    }
    expect(clients()).toEqual(['127.0.0.1', '127.0.0.1'])
  })

  test('a trusted proxy must say it: nothing is guessed', async () => {
    await open()
    const peer = await dial(front.port('client'))
    await peer.write(header('a.test'))
    await peer.closed
    expect([peer.received, clients()]).toEqual(['', []])
  })

  test.each(['', 'PROXY TCP4 192.0.2.1'])(
    'a header that is late ends the connection after three seconds: %j',
    async first => {
      await open()
      const peer = await dial(front.port('client'))
      if (first) await peer.write(first)
      await front.until(() => front.listeners.pending === 1)
      front.clock.advance(2999)
      expect(front.listeners.pending).toBe(1)
      front.clock.advance(1)
      await peer.closed
      expect(front.listeners.pending).toBe(0)
    },
  )

  test('a proxy that connects and leaves is not missed', async () => {
    await open()
    const peer = await dial(front.port('client'))
    await front.until(() => front.listeners.pending === 1)
    peer.drop()
    await front.until(() => front.listeners.pending === 0)
  })

  test('from anybody else it is what bad bytes are', async () => {
    await open({ trustedProxies: ['192.0.2.9'] })
    const peer = await dial(front.port('client'))
    await peer.write(v1('192.0.2.1'))
    await peer.closed
    expect(peer.received).toContain('<stream:error>')
    const tls = await dial(front.port('clientTls'))
    await tls.write(v2('192.0.2.1'))
    await tls.closed
    // A TLS alert, or nothing but the end.
    expect(tls.received === '' || tls.received.startsWith('\x15')).toBe(true)
    const web = await dial(front.port('http'))
    await web.write(`${v1('192.0.2.1')}GET /health/live HTTP/1.1\r\nHost: a.test\r\n\r\n`)
    await web.closed
    expect(web.received).toMatch(/^HTTP\/1.1 400 /)
  })

  test('limits are those of the client, not of the proxy', async () => {
    await open({ limits: { connections: 1, logins: 0, stanzas: 0 } })
    const from = async (client: string) => {
      const peer = await dial(front.port('client'))
      await peer.write(`${v1(client)}${header('a.test')}`)
      return peer
    }
    await (await from('192.0.2.1')).until('</stream:features>')
    await (await from('192.0.2.1')).closed
    await (await from('192.0.2.2')).until('</stream:features>')
    expect(clients()).toEqual(['192.0.2.1', '192.0.2.2'])
  })
})

describe('HTTP behind proxies', () => {
  const OPEN = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="a.test" version="1.0"/>'
  const upgrade = (...headers: string[]) =>
    [
      'GET /ws HTTP/1.1',
      'Host: a.test',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: xmpp',
      ...headers,
      '\r\n',
    ].join('\r\n')

  /** Opens a WebSocket with these bytes and gives what the server knows of it: address, and whether it counts as protected. */
  async function seen(peer: Peer, first: string | Buffer, ...headers: string[]): Promise<readonly [string, boolean]> {
    await peer.write(Buffer.concat([Buffer.from(first), Buffer.from(upgrade(...headers))]))
    await peer.until('\r\n\r\n')
    await front.until(() => front.server.streams.size > 0)
    const [{ wire } = { wire: undefined }] = front.server.streams
    const result = [wire!.remote, wire!.tls !== undefined || wire!.secure] as const
    peer.drop()
    await front.until(() => front.server.streams.size === 0)
    return result
  }

  test('X-Forwarded-For counts from the right, up to the first that is not trusted', async () => {
    await open({ trustedProxies: ['127.0.0.1', '10.0.0.0/8'] })
    const ask = async (...headers: string[]) => seen(await dial(front.port('http')), '', ...headers)
    expect(await ask('X-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.1.1.1')).toEqual(['192.0.2.1', false])
    expect(await ask('X-Forwarded-For: 203.0.113.9', 'X-Forwarded-For: 192.0.2.1')).toEqual(['192.0.2.1', false])
    expect(await ask('X-Forwarded-For: [2001:DB8::1]:443', 'X-Forwarded-Proto: https')).toEqual(['2001:db8::1', true])
    expect(await ask('X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: http')).toEqual(['192.0.2.1', false])
    expect(await ask('X-Forwarded-For: unknown, 10.1.1.1')).toEqual(['10.1.1.1', false])
    expect(await ask('X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: https, http')).toEqual(['192.0.2.1', false])
    expect(await ask()).toEqual(['127.0.0.1', true])
  })

  test('from a peer that is not trusted it counts for nothing', async () => {
    await open({ trustedProxies: ['192.0.2.9'] })
    const forged = ['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: http']
    expect(await seen(await dial(front.port('http')), '', ...forged)).toEqual(['127.0.0.1', true])
  })

  test('a proxy below HTTP says it with the PROXY protocol, and then it is the client who speaks HTTP', async () => {
    await open()
    expect(await seen(await dial(front.port('http')), v2('192.0.2.1'))).toEqual(['192.0.2.1', false])
    expect(await seen(await dial(front.port('http')), v1('192.0.2.1'), 'X-Forwarded-Proto: https')).toEqual([
      '192.0.2.1',
      false,
    ])
  })

  test('the header may come in many packets, and so may HTTP that looks like one', async () => {
    await open()
    const peer = await dial(front.port('http'))
    for (const piece of ['P', 'ROXY TCP4 192.0.2.5 ', '192.0.2.6 1 ', '2\r', '\n']) {
      await peer.write(piece)
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(await seen(peer, '')).toEqual(['192.0.2.5', false])
    const post = await dial(front.port('http'))
    await post.write('P')
    await new Promise(resolve => setImmediate(resolve))
    await post.write('OST /nothing HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    await post.closed
    expect(post.received).toMatch(/^HTTP\/1.1 404 /)
  })

  test('HTTPS behind the PROXY protocol: the TLS is the client’s own', async () => {
    await open()
    const raw = await dial(front.port('https'))
    await raw.write(v2('192.0.2.7'))
    const socket = new WebSocket(`wss://localhost/ws`, 'xmpp', {
      createConnection: () => connectTls({ socket: raw.socket, servername: 'a.test', rejectUnauthorized: false }),
      headers: { host: 'a.test' },
    })
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
    socket.send(OPEN)
    await front.until(() => front.server.streams.size > 0)
    const [stream] = front.server.streams
    expect([stream?.wire.remote, stream?.wire.tls?.protocol]).toEqual(['192.0.2.7', 'TLSv1.3'])
    socket.terminate()
  })

  test('HTTPS of a proxy that forwards requests: the TLS is not the client’s', async () => {
    await open()
    const peer = await dialTls({ port: front.port('https'), servername: 'a.test' })
    expect(await seen(peer, '', 'X-Forwarded-For: 192.0.2.8', 'X-Forwarded-Proto: https')).toEqual(['192.0.2.8', true])
    const again = await dialTls({ port: front.port('https'), servername: 'a.test' })
    expect(await seen(again, '', 'X-Forwarded-For: 192.0.2.8')).toEqual(['192.0.2.8', false])
  })

  test('half a header is not waited for, a connection opened ahead is', async () => {
    await open()
    const half = await dial(front.port('http'))
    await half.write('PROXY ')
    const silent = await dial(front.port('http'))
    await front.until(() => front.listeners.pending === 2)
    front.clock.advance(3000)
    await half.closed
    await front.until(() => front.listeners.pending === 0)
    await silent.write('GET /health/live HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
    await silent.closed
    expect(silent.received).toMatch(/^HTTP\/1.1 200 /)
  })
})
