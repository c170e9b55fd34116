import { X509Certificate } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Certificate, CertificateKind } from './ca.ts'
import { World } from './world.ts'

const DOMAIN = 'verona.test'
let world: World

beforeAll(async () => {
  world = await World.open()
})

afterAll(() => world.close())

describe('the name server of a play', () => {
  let resolver: Resolver

  beforeAll(() => {
    resolver = new Resolver()
    resolver.setServers([`${world.names.address}:${world.names.port}`])
  })

  test('names both doors of a domain', async () => {
    world.publish(DOMAIN, { address: '127.0.0.1', server: 5269, serverTls: 5270 })
    const door = { name: 'localhost', weight: 0 }
    expect(await resolver.resolveSrv(`_xmpp-server._tcp.${DOMAIN}`)).toEqual([{ ...door, port: 5269, priority: 10 }])
    expect(await resolver.resolveSrv(`_xmpps-server._tcp.${DOMAIN}`)).toEqual([{ ...door, port: 5270, priority: 5 }])
    expect(await resolver.resolve4('localhost')).toEqual(['127.0.0.1'])
  })

  test('tells a name without such records from one that is not known', async () => {
    world.names.set('mantua.test', { type: 'AAAA', address: '2001:db8::7' })
    expect(await resolver.resolve6('Mantua.test')).toEqual(['2001:db8::7'])
    await expect(resolver.resolve4('mantua.test')).rejects.toMatchObject({ code: 'ENODATA' })
    await expect(resolver.resolve4('padua.test')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    world.names.set('mantua.test')
    await expect(resolver.resolve6('mantua.test')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })
})

describe('a certificate of the authority', () => {
  const read = (file: string) => new X509Certificate(readFileSync(file))

  test.each<[CertificateKind, string | undefined]>([
    ['good', `DNS:${DOMAIN}, DNS:rooms.${DOMAIN}`],
    ['wrong-host', 'DNS:mantua.test'],
    ['wildcard', 'DNS:*.test'],
    ['cn-only', undefined],
  ])('%s: names', async (kind, names) => {
    const { cert } = await world.authority.issue(kind, DOMAIN, [`rooms.${DOMAIN}`])
    expect(read(cert).subjectAltName).toBe(names)
    expect(read(cert).verify(read(world.authority.file).publicKey)).toBe(true)
  })

  test('names of XMPP are there as RFC 6120 § 13.7.1.4 and RFC 4985 write them', async () => {
    const xmpp = await world.authority.issue('xmpp-addr', DOMAIN)
    const service = await world.authority.issue('srv-name', DOMAIN)
    expect(read(xmpp.cert).subjectAltName).toContain(DOMAIN)
    expect(read(service.cert).subjectAltName).toContain(`_xmpp-server.${DOMAIN}`)
  })

  /** What a client that trusts the authority says of a server with this certificate, and the server of a client with it. */
  test.each<[CertificateKind, string, string]>([
    ['good', 'trusted', 'trusted'],
    ['server-only', 'trusted', 'INVALID_PURPOSE'],
    ['client-only', 'INVALID_PURPOSE', 'trusted'],
    ['expired', 'CERT_HAS_EXPIRED', 'CERT_HAS_EXPIRED'],
    ['not-yet-valid', 'CERT_NOT_YET_VALID', 'CERT_NOT_YET_VALID'],
    ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['wrong-host', 'ERR_TLS_CERT_ALTNAME_INVALID', 'trusted'],
  ])('%s: as a server %s, as a client %s', async (kind, asServer, asClient) => {
    const shown = await world.authority.issue(kind, DOMAIN)
    const good = await world.authority.issue('good', DOMAIN)
    expect((await meet(shown, good)).server).toBe(asServer)
    expect((await meet(good, shown)).client).toBe(asClient)
  })

  /** What each side thinks of the other one's certificate. */
  async function meet(server: Certificate, client: Certificate): Promise<{ server: string; client: string }> {
    const ca = readFileSync(world.authority.file)
    const pair = ({ cert, key }: Certificate) => ({ cert: readFileSync(cert), key: readFileSync(key) })
    const verdict = (error: unknown) => (error ? String((error as { code?: string }).code ?? error) : 'trusted')
    const listener = createServer({ ...pair(server), ca, requestCert: true, rejectUnauthorized: false })
    await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
    const { port } = listener.address() as { port: number }
    const accepted = new Promise<string>(resolve =>
      listener.once('secureConnection', socket => {
        resolve(verdict(socket.authorizationError))
        socket.end()
      }),
    )
    const socket = connect({
      ...pair(client),
      ca,
      port,
      host: '127.0.0.1',
      servername: DOMAIN,
      rejectUnauthorized: false,
    })
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    const seen = verdict(socket.authorizationError)
    const outcome = { server: seen, client: await accepted }
    socket.destroy()
    await new Promise(resolve => listener.close(resolve))
    return outcome
  }
})
