import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { FakeClock } from '@parley/testkit'
import { type Element, serialize } from '@parley/xml'
import { configSchema, resolveDomains, silentLogger, type WireEvents } from '@xmpp/server-core'
import { generalNames, type Issued, issue, xmppAddr } from '../test/issue.ts'
import { dial, dialTls, header, Peer } from '../test/peer.ts'
import { Certificates } from './certificates.ts'
import { Stalls } from './stalls.ts'
import { TcpWire } from './tcp-wire.ts'
import { TlsDoor } from './tls-door.ts'

/** Stands where a stream would: answers a header, takes STARTTLS, keeps what comes. */
class Listener implements WireEvents {
  readonly wire: TcpWire
  readonly elements: Element[] = []
  readonly heard: string[] = []
  domain = 'a.test'
  readonly #watchers = new Set<() => void>()

  constructor(wire: TcpWire) {
    this.wire = wire
    wire.start(this)
  }
  opened({ to }: { to: string | undefined }): void {
    this.domain = to ?? ''
    this.#note('opened')
    this.wire.header({ from: 'a.test', to: undefined, id: 'x', lang: 'en' })
  }
  element(element: Element): void {
    this.elements.push(element)
    this.#note(element.name)
    if (element.name !== 'starttls' || !this.wire.canStartTls) return
    this.wire.send('<proceed/>')
    this.wire.startTls(this.domain)
    this.wire.restart()
  }
  closed(): void {
    this.#note('closed')
    this.wire.footer()
    this.wire.end()
  }
  failed({ condition }: { condition: string }): void {
    this.#note(`failed ${condition}`)
    this.wire.end()
  }
  lost(): void {
    this.#note('lost')
  }
  secured(): void {
    this.#note('secured')
  }
  async until(count: number, what: string): Promise<void> {
    const seen = () => this.heard.filter(word => word === what).length >= count
    while (!seen()) await new Promise<void>(resolve => this.#watchers.add(resolve))
  }
  #note(what: string): void {
    this.heard.push(what)
    for (const watcher of this.#watchers) watcher()
    this.#watchers.clear()
  }
}

let folder: string
let clock: FakeClock
let stalls: Stalls
let certificates: Certificates
let server: Server
let port: number
let listeners: Listener[]
const crashes: unknown[] = []

async function open(config: Record<string, unknown> = {}, direct = false): Promise<void> {
  const parsed = resolveDomains(configSchema.parse({ data: folder, domains: ['a.test', 'b.test'], ...config }))
  certificates = await Certificates.open({ config: parsed, log: silentLogger, clock })
  const tls = new TlsDoor(certificates, { direct })
  const options = { clock, stalls, tls, direct, crashed: (error: unknown) => crashes.push(error) }
  server = createServer({ noDelay: true }, socket => listeners.push(new Listener(new TcpWire(socket, options))))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wire-'))
  clock = new FakeClock(Date.now())
  stalls = new Stalls(clock)
  listeners = []
})
afterEach(async () => {
  for (const { wire } of listeners) wire.destroy()
  await new Promise(resolve => server.close(resolve))
  certificates.close()
  stalls.stop()
  await rm(folder, { recursive: true })
  expect(crashes.splice(0)).toEqual([])
})

async function upgraded(options: Parameters<typeof dialTls>[0] = {}, to = 'a.test') {
  const peer = await dial(port)
  await peer.write(header(to))
  await peer.write('<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>')
  await peer.until('<proceed/>')
  const secured = await dialTls({ socket: peer.socket, ...options })
  // The client's end of TLS 1.3 is ready first.
  await listeners.at(-1)!.until(1, 'secured')
  return secured
}

describe('STARTTLS', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s, and a new stream inside', async version => {
    await open()
    const peer = await upgraded({ minVersion: version, maxVersion: version, servername: 'a.test' })
    await peer.write(`${header('a.test')}<message xmlns="jabber:client"/>`)
    await peer.until('<stream:stream')
    await listeners[0]!.until(1, 'message')
    expect(listeners[0]!.heard).toEqual(['opened', 'starttls', 'secured', 'opened', 'message'])
    expect(listeners[0]!.wire.tls).toMatchObject({ protocol: version, certificateAddresses: [], earlyData: false })
  })

  test('gives the certificate of the domain in the header where the client names no hosted one', async () => {
    await open()
    const names = []
    for (const options of [{ servername: 'b.test' }, {}, { servername: 'xmpp-host.test' }]) {
      names.push((await upgraded(options, 'b.test')).socket.getPeerCertificate().subjectaltname)
    }
    expect(names).toEqual(['DNS:b.test', 'DNS:b.test', 'DNS:b.test'])
  })

  test('channel bindings are the same on both ends', async () => {
    await open()
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const peer = await upgraded({ minVersion: version, maxVersion: version })
      const exporter = peer.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
      const endPoint = createHash('sha256').update(peer.socket.getPeerCertificate().raw).digest()
      expect(listeners.at(-1)!.wire.tls?.bindings).toEqual({
        'tls-exporter': exporter,
        'tls-server-end-point': endPoint,
      })
    }
  })

  test('without an extended master secret there is no exporter (RFC 9266 §4.2)', async () => {
    await open()
    const NO_EXTENDED_MASTER_SECRET = 1
    await upgraded({ maxVersion: 'TLSv1.2', secureOptions: NO_EXTENDED_MASTER_SECRET })
    expect(Object.keys(listeners[0]!.wire.tls!.bindings)).toEqual(['tls-server-end-point'])
  })

  test('a reload serves new connections; open ones go on', async () => {
    await open()
    const before = await upgraded()
    const { cert, key } = await issue({ dns: 'new.test' })
    await writeFile(join(folder, 'certificates', 'a.test.pem'), cert)
    await writeFile(join(folder, 'certificates', 'a.test.key'), key)
    expect(await certificates.reload()).toEqual([])
    const after = await upgraded()
    expect(before.socket.getPeerCertificate().subjectaltname).toBe('DNS:a.test')
    expect(after.socket.getPeerCertificate().subjectaltname).toBe('DNS:new.test')
    await before.write(`${header('a.test')}<message/>`)
    await listeners[0]!.until(1, 'message')
  })

  test('without shared secrets sessions are not resumed', async () => {
    await open()
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const first = await upgraded({ maxVersion })
      const session = first.socket.getSession()
      const again = await upgraded({ maxVersion, ...(session ? { session } : {}) })
      expect(again.socket.isSessionReused()).toBe(false)
    }
  })
})

describe('client certificates', () => {
  let ca: Issued
  beforeEach(async () => {
    ca = await issue({ subject: 'CN=authority' })
    await writeFile(join(folder, 'ca.pem'), ca.cert)
    await open({ tls: { clientCa: join(folder, 'ca.pem') } })
  })
  const names = generalNames(xmppAddr('juliet@a.test'))

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('of the authority prove addresses over %s', async maxVersion => {
    const { cert, key } = await issue({ names, issuer: ca, subject: 'CN=juliet' })
    await upgraded({ cert, key, maxVersion })
    expect(listeners[0]!.wire.tls?.certificateAddresses).toEqual(['juliet@a.test'])
  })

  test('of nobody prove none', async () => {
    const stranger = await issue({ subject: 'CN=authority' })
    for (const issuer of [undefined, stranger]) {
      const { cert, key } = await issue({ names, subject: 'CN=juliet', ...(issuer ? { issuer } : {}) })
      await upgraded({ cert, key })
      expect(listeners.at(-1)!.wire.tls?.certificateAddresses).toEqual([])
    }
    await upgraded()
    expect(listeners.at(-1)!.wire.tls?.certificateAddresses).toEqual([])
  })
})

describe('direct TLS', () => {
  beforeEach(() => open({}, true))

  test.each([undefined, ['xmpp-client'], ['h2', 'xmpp-client']])('with ALPN %p', async protocols => {
    const peer = await dialTls({ port, servername: 'b.test', ...(protocols ? { ALPNProtocols: protocols } : {}) })
    expect(peer.socket.alpnProtocol).toBe(protocols ? 'xmpp-client' : false)
    expect(peer.socket.getPeerCertificate().subjectaltname).toBe('DNS:b.test')
    await peer.write(header('b.test'))
    await peer.until('<stream:stream')
    expect(listeners[0]!.wire.canStartTls).toBe(false)
  })

  test('what is written before the handshake is over goes nowhere', async () => {
    const peer = await dial(port)
    await new Promise(resolve => setImmediate(resolve))
    listeners[0]?.wire.error('<x/>')
    listeners[0]?.wire.end()
    await peer.closed
    expect(peer.received).toBe('')
  })
})

describe('bytes', () => {
  beforeEach(() => open())
  const text = 'Grüße 日本語 👩‍👧 — ok'

  test('a message cut at every byte is the same', async () => {
    const xml = Buffer.from(`<message xmlns="jabber:client"><body>${text}</body></message>`)
    const peer = await dial(port)
    await peer.write(header('a.test'))
    for (let cut = 1; cut < xml.length; cut++) {
      await peer.write(xml.subarray(0, cut))
      await new Promise(resolve => setImmediate(resolve))
      await peer.write(xml.subarray(cut))
      await listeners[0]!.until(cut, 'message')
    }
    expect(new Set(listeners[0]!.elements.map(element => serialize(element))).size).toBe(1)
    expect(listeners[0]!.elements[0]!.textOf('body')).toBe(text)
  })

  test('what is written in one turn leaves in one write', async () => {
    const peer = await dial(port)
    await peer.write(header('a.test'))
    await peer.until('<stream:stream')
    const write = jest.spyOn(Socket.prototype, 'write')
    try {
      for (let n = 0; n < 100; n++) listeners[0]!.wire.stanza(`<message id="${n}"/>`)
      await peer.until('<message id="99"/>')
      expect(write.mock.calls.map(([data]) => String(data)).filter(data => data.includes('<message'))).toHaveLength(1)
    } finally {
      write.mockRestore()
    }
  })

  test('backlog counts what the peer does not read; flushed tells when it has', async () => {
    const peer = await dial(port)
    await peer.write(header('a.test'))
    await peer.until('>')
    peer.socket.pause()
    const { wire } = listeners[0]!
    for (let n = 0; n < 200; n++) wire.stanza('x'.repeat(65_536))
    expect(wire.backlog).toBeGreaterThan(13_000_000)
    const flushed = new Promise<void>(resolve => wire.flushed(resolve))
    peer.socket.resume()
    await flushed
    expect(wire.backlog).toBe(0)
  })

  test('flushed says nothing where the connection is gone', async () => {
    const peer = await dial(port)
    await peer.write(header('a.test'))
    await peer.until('>')
    peer.socket.pause()
    const { wire } = listeners[0]!
    wire.stanza('x'.repeat(20_000_000))
    const done = jest.fn()
    wire.flushed(done)
    peer.socket.destroy()
    await listeners[0]!.until(1, 'lost')
    expect(done).not.toHaveBeenCalled()
  })

  test('a paused wire delivers nothing of clear text, not even of a chunk that it has read', async () => {
    const peer = await dial(port)
    const listener = () => listeners[0]!
    await peer.write(header('a.test'))
    await peer.until('>')
    const take = listener().element.bind(listener())
    listener().element = element => {
      take(element)
      listener().wire.pause()
    }
    await peer.write('<message id="1"/><message id="2"/>')
    await listener().until(1, 'message')
    expect(listener().elements).toHaveLength(1)
    listener().wire.resume()
    expect(listener().elements).toHaveLength(2)
  })
})

describe('ends', () => {
  beforeEach(() => open())

  test('a peer that closes its stream gets ours and the connection', async () => {
    const peer = await dial(port)
    await peer.write(`${header('a.test')}</stream:stream>`)
    await peer.closed
    expect(peer.received).toMatch(/<\/stream:stream>$/)
    await listeners[0]!.until(1, 'lost')
  })

  test('a peer that never closes is cut after a short time', async () => {
    const socket = await dial(port)
    const peer = new Peer(socket.socket)
    peer.socket.allowHalfOpen = true
    await peer.write(`${header('a.test')}</stream:stream>`)
    await peer.until('</stream:stream>')
    clock.advance(2000)
    await listeners[0]!.until(1, 'lost')
  })

  test('a stanza that does not end in time ends the stream; an idle stream goes on', async () => {
    const [slow, idle] = [await dial(port), await dial(port)]
    for (const peer of [slow, idle]) {
      await peer.write(header('a.test'))
      await peer.until('>')
    }
    const [first, second] = listeners as [Listener, Listener]
    await slow.write('<message xmlns="jabber:client"><body>a')
    await idle.write('<message/> ')
    await second.until(1, 'message')
    await slow.write('b')
    while (stalls.size === 0) await new Promise(resolve => setImmediate(resolve))
    clock.advance(30_000)
    expect(first.heard).toEqual(['opened'])
    clock.advance(40_000)
    expect(first.heard).toEqual(['opened', 'failed policy-violation'])
    expect(second.heard).toEqual(['opened', 'message'])
  })
})
