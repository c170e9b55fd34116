import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { getEventListeners, once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTls, connect as tlsConnect } from 'node:tls'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { ListenOptions } from '@parley/adapter'
import { DnsServer } from '@parley/testkit'
import * as x509 from '@peculiar/x509'
import { systemClock } from '@xmpp/server-core'
import { fetchOver } from './http.ts'
import { listenAt } from './listen.ts'
import { Lines, Net, type NetPolicy } from './net.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
let cert: string
let key: string
beforeAll(async () => {
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const made = await x509.X509CertificateGenerator.createSelfSigned(
    {
      ...{ name: 'CN=irc.test', keys, signingAlgorithm: ALGORITHM },
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 86_400_000),
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'irc.test' }])],
    },
    webcrypto,
  )
  cert = made.toString('pem')
  key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
})

let dns: DnsServer
let ended: AbortController
let lines: Lines
let net: Net
const closing: (() => unknown)[] = []
beforeEach(async () => {
  dns = await DnsServer.start()
  dns.a('irc.test', '127.0.0.1')
  dns.a('other.test', '127.0.0.1')
  ended = new AbortController()
  use({})
})
afterEach(async () => {
  ended.abort()
  for (const close of closing.splice(0)) await close()
  await dns.stop()
})

function use(policy: Partial<NetPolicy>): void {
  net = new Net({ allow: ['127.0.0.0/8', '::1'], dns: [dns.address], ...policy }, systemClock)
  lines = new Lines(net, ended.signal)
}

/** A server that says back what it hears. */
async function echoing(secure: boolean): Promise<number> {
  const sockets = new Set<Socket>()
  const taken = (socket: Socket) => {
    sockets.add(socket.on('error', () => {}))
    socket.pipe(socket)
  }
  const server = secure ? createTls({ cert, key }, taken) : createServer(taken)
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function until(look: () => boolean): Promise<void> {
  while (!look()) await new Promise(resolve => setImmediate(resolve))
}

async function said(stream: NodeJS.ReadWriteStream, text: string): Promise<string> {
  stream.write(text)
  return String(((await once(stream, 'data')) as [Buffer])[0])
}

describe('a connection', () => {
  test('goes where it may, is counted, and ends with the session', async () => {
    const port = await echoing(false)
    const connection = await lines.connect({ host: 'irc.test', port, tls: false })
    expect(connection.remote).toContain('127.0.0.1')
    expect(await said(connection.stream, 'PING')).toBe('PING')
    expect(lines.bytes).toEqual({ in: 4, out: 4 })
    const closed = once(connection.stream, 'close')
    ended.abort()
    await closed
    expect(lines.bytes).toEqual({ in: 4, out: 4 })
    await expect(lines.connect({ host: 'irc.test', port, tls: false })).rejects.toMatchObject({ failure: 'transient' })
  })

  test('does not go into the house, by name or by address', async () => {
    const port = await echoing(false)
    use({ allow: [] })
    for (const host of ['irc.test', '127.0.0.1', '::1', '169.254.169.254', '::ffff:127.0.0.1'])
      await expect(lines.connect({ host, port, tls: false })).rejects.toMatchObject({ failure: 'denied' })
  })

  test('does not go where orders are taken', async () => {
    await expect(lines.connect({ host: 'irc.test', port: 6379, tls: false })).rejects.toMatchObject({
      failure: 'denied',
    })
  })

  test('that nobody takes is said to be so', async () => {
    const port = await echoing(false)
    for (const close of closing.splice(0)) await close()
    const refused = lines.connect({ host: 'irc.test', port, tls: false })
    await expect(refused).rejects.toMatchObject({ name: 'AdapterError', failure: 'transient' })
    await expect(lines.connect({ host: 'gone.test', port, tls: false })).rejects.toThrow('gone.test has no addresses')
  })
})

describe('TLS', () => {
  test('is for whom the certificate is, and whose authority is believed', async () => {
    const port = await echoing(true)
    const refused = lines.connect({ host: 'irc.test', port, tls: true })
    await expect(refused).rejects.toMatchObject({ failure: 'transient', message: expect.stringContaining('No TLS') })
    use({ ca: [cert] })
    const connection = await lines.connect({ host: 'irc.test', port, tls: true })
    expect(await said(connection.stream, 'PING')).toBe('PING')
    await expect(lines.connect({ host: 'other.test', port, tls: true })).rejects.toThrow('No TLS with other.test')
    const named = await lines.connect({ host: 'other.test', port, tls: true, servername: 'irc.test' })
    named.destroy()
  })

  test('is for anybody where the operator says so', async () => {
    const port = await echoing(true)
    const connection = await lines.connect({ host: 'other.test', port, tls: true, trustAnything: true })
    expect(await said(connection.stream, 'PING')).toBe('PING')
  })

  test('may begin later, once', async () => {
    const port = await echoing(true)
    const connection = await lines.connect({ host: 'irc.test', port, tls: false })
    await connection.startTls({ trustAnything: true })
    expect(await said(connection.stream, 'PING')).toBe('PING')
    await expect(connection.startTls()).rejects.toMatchObject({ failure: 'protocol' })
  })

  test('that never comes is not waited for', async () => {
    const server = createServer(socket => socket.on('error', () => {}).resume())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    closing.push(() => server.close())
    const { port } = server.address() as AddressInfo
    const connection = lines.connect({ host: 'irc.test', port, tls: true, timeout: 100 })
    await expect(connection).rejects.toThrow('it took too long')
  })
})

describe('HTTP', () => {
  async function web(): Promise<string> {
    const server = createHttp((request, response) => {
      if (request.url === '/away') response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
      else if (request.url === '/large') response.end('x'.repeat(100_000))
      else if (request.url === '/never') response.write('')
      else request.pipe(response.writeHead(200, { 'x-method': request.method! }))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    closing.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return `http://irc.test:${(server.address() as AddressInfo).port}`
  }
  const get = (url: string, more = {}) => fetchOver(net, lines, { method: 'GET', url, ...more }, ended.signal)

  test('is asked and answers', async () => {
    const answer = await get(`${await web()}/`, { method: 'POST', body: 'wherefore' })
    expect(answer).toMatchObject({ status: 200, headers: { 'x-method': 'POST' } })
    expect(Buffer.from(answer.body).toString()).toBe('wherefore')
  })

  test('is not followed elsewhere, and cut where it is too long (threat 162)', async () => {
    const at = await web()
    expect(await get(`${at}/away`)).toMatchObject({ status: 302, headers: { location: 'http://169.254.169.254/' } })
    expect((await get(`${at}/large`, { limit: 1000 })).body.length).toBe(1000)
  })

  test('is not waited for without end', async () => {
    await expect(get(`${await web()}/never`, { timeout: 100 })).rejects.toThrow('takes too long')
    const asked = get(`${await web()}/never`)
    ended.abort()
    await expect(asked).rejects.toMatchObject({ failure: 'transient' })
  })

  test('leaves nothing behind that waits for the end of the session', async () => {
    const at = await web()
    const before = getEventListeners(ended.signal, 'abort').length
    for (let i = 0; i < 3; i++) await get(`${at}/`)
    await expect(get(`${at}/never`, { timeout: 300 })).rejects.toThrow('takes too long')
    expect(getEventListeners(ended.signal, 'abort')).toHaveLength(before)
  })

  test('goes nowhere else (threat 162)', async () => {
    const port = new URL(await web()).port
    for (const url of ['file:///etc/passwd', `http://a:b@irc.test:${port}/`, 'nonsense'])
      await expect(get(url)).rejects.toMatchObject({ failure: 'denied' })
    use({ allow: [] })
    await expect(get(`http://irc.test:${port}/`)).rejects.toMatchObject({ failure: 'denied' })
  })
})

describe('a door', () => {
  test('lets others in until the session ends', async () => {
    const heard: string[] = []
    const door = await listenAt(
      net,
      lines,
      {
        ...{ host: '127.0.0.1', port: 0, transport: 'tcp' },
        connected: ({ stream }) => stream.on('data', chunk => heard.push(String(chunk))).end('welcome'),
      },
      ended.signal,
    )
    const connection = await lines.connect({ host: '127.0.0.1', port: door.port, tls: false })
    expect(await said(connection.stream, 'hello')).toBe('welcome')
    await once(connection.stream, 'close')
    expect(heard).toEqual(['hello'])
    ended.abort()
    await door.close()
    await expect(
      listenAt(net, lines, { host: '203.0.113.1', port: 1, transport: 'tcp' }, new AbortController().signal),
    ).rejects.toMatchObject({ failure: 'denied' })
  })

  test('answers who has said everything already, where the adapter wants that', async () => {
    const options = { host: '127.0.0.1', port: 0, transport: 'tcp', halfOpen: true } as const
    const connected: ListenOptions['connected'] = ({ stream }) => {
      stream.resume().on('end', () => setImmediate(() => stream.end('heard')))
    }
    const door = await listenAt(net, lines, { ...options, connected }, ended.signal)
    const { stream } = await lines.connect({ host: '127.0.0.1', port: door.port, tls: false })
    stream.end('all')
    expect(String(((await once(stream, 'data')) as [Buffer])[0])).toBe('heard')
    await door.close()
  })

  test('with TLS shows the certificate of the domain, or is not opened', async () => {
    const options = { host: '127.0.0.1', port: 0, transport: 'tls' } as const
    await expect(listenAt(net, lines, options, ended.signal)).rejects.toMatchObject({ failure: 'denied' })
    use({ certificate: { cert, key }, ca: [cert] })
    const names: unknown[] = []
    const connected: ListenOptions['connected'] = ({ stream, names: proven }) => {
      names.push(proven)
      stream.pipe(stream)
    }
    const door = await listenAt(net, lines, { ...options, connected }, ended.signal)
    const connection = await lines.connect({ host: 'irc.test', port: door.port, tls: true })
    expect(await said(connection.stream, 'PING')).toBe('PING')
    const shown = tlsConnect({ host: '127.0.0.1', port: door.port, servername: 'irc.test', ca: cert, cert, key })
    expect(await said(shown, 'PING')).toBe('PING')
    shown.destroy()
    expect(names).toEqual([undefined, ['irc.test']])
  })

  test('for datagrams hears and answers', async () => {
    const heard: string[] = []
    const options = { host: '127.0.0.1', port: 0, transport: 'udp' } as const
    const open = async (datagram: (text: string, from: { host: string; port: number }) => void) =>
      listenAt(net, lines, { ...options, datagram: (bytes, from) => datagram(String(bytes), from) }, ended.signal)
    const one = await open((text, from) => one.send(Buffer.from(`${text}!`), from))
    const answered = new Promise<void>(resolve => {
      void open(text => {
        heard.push(text)
        resolve()
      }).then(other => other.send(Buffer.from('hello'), { host: '127.0.0.1', port: one.port }))
    })
    await answered
    expect(heard).toEqual(['hello!'])
    const before = getEventListeners(ended.signal, 'abort').length
    await one.close()
    await one.close()
    expect(getEventListeners(ended.signal, 'abort')).toHaveLength(before - 1)
  })

  test('for datagrams sends none into the house, but for answers (threat 162)', async () => {
    const inside = createSocket('udp4').bind(0, '127.0.0.1')
    await once(inside, 'listening')
    closing.push(() => inside.close())
    const heard: string[] = []
    inside.on('message', bytes => heard.push(String(bytes)))
    use({ allow: [] })
    const asked: { host: string; port: number }[] = []
    const door = await listenAt(
      net,
      lines,
      { ...{ host: '127.0.0.1', port: 0, transport: 'udp' }, datagram: (_bytes, from) => asked.push(from) },
      ended.signal,
    )
    const { port } = inside.address()
    for (const host of ['127.0.0.1', 'irc.test']) door.send(Buffer.from('orders'), { host, port })
    // The name is known when the door asks again.
    await expect(net.reach('irc.test', port, false, ended.signal)).resolves.toBeUndefined()
    inside.send('who is there?', door.port, '127.0.0.1')
    const answer = once(inside, 'message')
    await until(() => asked.length === 1)
    door.send(Buffer.from('nobody'), asked[0]!)
    await answer
    expect(heard).toEqual(['nobody'])
    use({})
    await expect(net.reach('irc.test', port, false, ended.signal)).resolves.toBe('127.0.0.1')
    expect(net.reach('127.0.0.1', 6379, true, ended.signal)).toBeUndefined()
  })
})
