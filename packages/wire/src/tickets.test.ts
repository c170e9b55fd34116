import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { FakeClock } from '@parley/testkit'
import { configSchema, resolveDomains, silentLogger, type TlsInfo } from '@xmpp/server-core'
import { issue } from '../test/issue.ts'
import { dialTls, dropAll } from '../test/peer.ts'
import { tlsInfo } from './bindings.ts'
import { Certificates } from './certificates.ts'
import { TlsDoor } from './tls-door.ts'

const DAY = 86_400_000

let folder: string
let clock: FakeClock
let asked: string[]
const closers: (() => unknown)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tickets-'))
  clock = new FakeClock(Date.now())
  asked = []
})
afterEach(async () => {
  await dropAll()
  for (const close of closers.splice(0).reverse()) await close()
  await rm(folder, { recursive: true })
})

/** What all nodes get from their database. */
const secret = async (day: string) => {
  asked.push(day)
  return createHash('sha256').update(day).digest()
}

async function certificate(domain: string): Promise<void> {
  const { cert, key } = await issue({ dns: domain })
  await mkdir(join(folder, 'certificates'), { recursive: true })
  await writeFile(join(folder, 'certificates', `${domain}.pem`), cert)
  await writeFile(join(folder, 'certificates', `${domain}.key`), key)
}

interface Node {
  readonly port: number
  readonly certificates: Certificates
  /** What the node knows of each connection. */
  readonly seen: TlsInfo[]
}

/** A front end of its own with direct TLS, on the certificates that all share. */
async function node(config: Record<string, unknown> = {}): Promise<Node> {
  const parsed = resolveDomains(configSchema.parse({ data: folder, domains: ['a.test'], ...config }))
  const certificates = await Certificates.open({ config: parsed, log: silentLogger, clock, ticketSecret: secret })
  const door = new TlsDoor(certificates, { direct: true })
  const seen: TlsInfo[] = []
  const server: Server = createServer(raw =>
    door.handshake(raw, undefined, socket => {
      seen.push(tlsInfo(socket, door.clients, door.single))
      socket.on('error', () => {}).end('.')
    }),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => new Promise(resolve => server.close(resolve)),
    () => door.close(),
    () => certificates.close(),
  )
  return { port: (server.address() as AddressInfo).port, certificates, seen }
}

interface Visit {
  readonly session: Buffer | undefined
  readonly isReused: boolean
  readonly exporter: Buffer
}

/** Connects, hears the node out, and keeps the ticket. */
async function visit({ port }: Node, options: Parameters<typeof dialTls>[0] = {}): Promise<Visit> {
  const peer = await dialTls({ port, servername: 'a.test', ALPNProtocols: ['xmpp-client'], ...options })
  const exporter = peer.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  const isReused = peer.socket.isSessionReused()
  let session: Buffer | undefined = options.maxVersion === 'TLSv1.2' ? peer.socket.getSession() : undefined
  peer.socket.on('session', ticket => {
    session = ticket
  })
  await peer.closed
  return { session, isReused, exporter }
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a session of %s', version => {
  const versions = { minVersion: version, maxVersion: version }
  const back = (to: Node, { session }: Visit, more: Parameters<typeof dialTls>[0] = {}) =>
    visit(to, { ...versions, session: session!, ...more })

  test('is resumed on another node, with bindings that both ends agree on', async () => {
    await certificate('a.test')
    const [one, other] = [await node(), await node()]
    const first = await visit(one, versions)
    expect(first.isReused).toBe(false)
    const second = await back(other, first)
    expect(second.isReused).toBe(true)
    const [known] = other.seen
    expect(known?.protocol).toBe(version)
    expect(known?.bindings['tls-exporter']).toEqual(second.exporter)
    expect(known?.bindings['tls-server-end-point']).toEqual(one.seen[0]?.bindings['tls-server-end-point'])
    expect(second.exporter).not.toEqual(first.exporter)
  })

  test('does not outlive the certificate', async () => {
    await certificate('a.test')
    const one = await node()
    const first = await visit(one, versions)
    await certificate('a.test')
    expect(await one.certificates.reload()).toEqual([])
    expect((await back(one, first)).isReused).toBe(false)
  })

  test('does not outlive the day', async () => {
    await certificate('a.test')
    const one = await node()
    const first = await visit(one, versions)
    clock.advance(DAY)
    // The secret of the new day has been read when the day has turned.
    await new Promise(resolve => setImmediate(resolve))
    expect(asked).toHaveLength(2)
    const second = await back(one, first)
    expect(second.isReused).toBe(false)
    expect((await back(await node(), second)).isReused).toBe(true)
  })

  test('that began with one of several certificates is not bound to any of them', async () => {
    for (const domain of ['a.test', 'b.test']) await certificate(domain)
    const domains = ['a.test', 'b.test']
    const [one, other] = [await node({ domains }), await node({ domains })]
    const first = await visit(one, { ...versions, servername: 'b.test' })
    expect((await back(other, first, { servername: 'b.test' })).isReused).toBe(true)
    expect(Object.keys(one.seen[0]!.bindings)).toContain('tls-server-end-point')
    expect(Object.keys(other.seen[0]!.bindings)).toEqual(['tls-exporter'])
  })

  test('is not resumed where clients may show certificates', async () => {
    await certificate('a.test')
    const file = join(folder, 'ca.pem')
    await writeFile(file, (await issue({ subject: 'CN=authority' })).cert)
    const one = await node({ tls: { clientCa: file } })
    const first = await visit(one, versions)
    const session = first.session ? { session: first.session } : {}
    expect((await visit(one, { ...versions, ...session })).isReused).toBe(false)
  })
})

test('a name that is not hosted is no better for a session that is resumed', async () => {
  await certificate('a.test')
  const one = await node()
  const { session } = await visit(one)
  await visit(one, { session: session!, servername: 'evil.test' }).catch(() => {})
  expect(one.seen).toHaveLength(1)
})

test('while the secret of a new day cannot be read, that of the day before holds', async () => {
  await certificate('a.test')
  const parsed = resolveDomains(configSchema.parse({ data: folder, domains: ['a.test'] }))
  let isAway = false
  const fragile = await Certificates.open({
    config: parsed,
    log: silentLogger,
    clock,
    ticketSecret: async day => {
      if (isAway) throw new Error('away')
      return secret(day)
    },
  })
  closers.push(() => fragile.close())
  const before = fragile.options('a.test', 'direct TLS').ticketKeys
  isAway = true
  clock.advance(DAY)
  await new Promise(resolve => setImmediate(resolve))
  expect(fragile.options('a.test', 'direct TLS').ticketKeys).toEqual(before)
  isAway = false
  clock.advance(60_000)
  await new Promise(resolve => setImmediate(resolve))
  expect(fragile.options('a.test', 'direct TLS').ticketKeys).not.toEqual(before)
})
