import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { DnsServer } from '@parley/testkit'
import * as x509 from '@peculiar/x509'
import { systemClock } from '../clock.ts'
import { Resolver } from '../dns/resolver.ts'
import { httpsFetcher } from './fetch.ts'
import { ConnectRules } from './rules.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
let cert: string
let key: string
beforeAll(async () => {
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=a.test',
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 86_400_000),
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'a.test' }])],
    },
    webcrypto,
  )
  cert = certificate.toString('pem')
  key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
})

let dns: DnsServer
let servers: Server[] = []
beforeEach(async () => {
  dns = await DnsServer.start()
  dns.a('a.test', '127.0.0.1')
  dns.a('b.test', '127.0.0.1')
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  await dns.stop()
})

async function web(answer: RequestListener): Promise<number> {
  const server = createServer({ cert, key }, answer).listen(0, '127.0.0.1')
  servers = [...servers, server]
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function get(
  url: string,
  { allow = ['127.0.0.1'], ca = cert as string | null, signal = new AbortController().signal } = {},
) {
  const resolver = new Resolver({ servers: [dns.address], clock: systemClock, times: { try: 1000, all: 2000 } })
  const fetch = httpsFetcher({
    resolver,
    rules: new ConnectRules({ allow }),
    clock: systemClock,
    ...(ca !== null && { ca }),
  })
  return fetch(new URL(url), { signal })
}

describe('a document over HTTPS', () => {
  test('comes from the host that the name servers know', async () => {
    const port = await web((request, response) => response.end(`${request.headers.host} ${request.url}`))
    const { status, body } = await get(`https://a.test:${port}/x.json?y=1`)
    expect([status, body.toString()]).toEqual([200, `a.test:${port} /x.json?y=1`])
  })

  test('says where else it is, and nobody goes there yet', async () => {
    const port = await web((_, response) => response.writeHead(302, { location: 'https://b.test/' }).end())
    expect(await get(`https://a.test:${port}/`)).toMatchObject({ status: 302, location: 'https://b.test/' })
  })

  test('does not come from who cannot prove its name', async () => {
    let asked = 0
    const port = await web((_, response) => {
      asked++
      response.end()
    })
    await expect(get(`https://b.test:${port}/`)).rejects.toThrow('b.test')
    await expect(get(`https://a.test:${port}/`, { ca: null })).rejects.toThrow('self-signed')
    expect(asked).toBe(0)
  })

  test('does not come from where we do not connect to', async () => {
    const port = await web((_, response) => response.end())
    await expect(get(`https://a.test:${port}/`, { allow: [] })).rejects.toThrow('we do not connect to 127.0.0.1')
    await expect(get(`https://127.0.0.1:${port}/`, { allow: [] })).rejects.toThrow('we do not connect to 127.0.0.1')
    await expect(get('https://a.test:22/')).rejects.toThrow('we do not connect to port 22')
  })

  test('that is large is not read to its end', async () => {
    const port = await web((_, response) => response.end(Buffer.alloc(20_000)))
    await expect(get(`https://a.test:${port}/`)).rejects.toThrow('more than 16384 bytes')
  })

  test('that never comes is given up with the signal', async () => {
    const control = new AbortController()
    const port = await web(() => control.abort(new Error('enough')))
    await expect(get(`https://a.test:${port}/`, { signal: control.signal })).rejects.toThrow('enough')
  })

  test('that ends too early is none', async () => {
    const port = await web((_, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('half')
      response.socket?.destroySoon()
    })
    await expect(get(`https://a.test:${port}/`)).rejects.toThrow()
  })

  test('of a host that is not there', async () => {
    await expect(get('https://c.test/')).rejects.toThrow('c.test has no addresses')
  })
})
