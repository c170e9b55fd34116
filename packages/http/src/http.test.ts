import { connect, createServer } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { parseElement } from '@parley/xml'
import { configSchema, resolveDomains, silentLogger } from '@xmpp/server-core'
import { createHttpServer, type HttpRoute, HttpRoutes, healthRoutes, hostMeta, ListenError, listenAt } from './index.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function open(config: Record<string, unknown> = {}, httpsPort?: number, ...more: HttpRoute[]): Promise<number> {
  const parsed = resolveDomains(configSchema.parse({ domains: ['a.test', 'bücher.example'], ...config }))
  const routes = [...healthRoutes({ problem: async () => undefined }), ...hostMeta(parsed, () => httpsPort), ...more]
  const app = await createHttpServer({ config: parsed, log: silentLogger, routes, upgrade: (_, s) => s.destroy() })
  closers.push(() => app.close())
  const address = await listenAt(app.server, 'listen.http', '127.0.0.1:0')
  return Number(address.split(':').at(-1))
}

/** Sends bytes and gives all that comes back until the server closes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise(resolve => {
    let answer = ''
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(text))
    socket.on('data', chunk => {
      answer += chunk.toString()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}

const get = (port: number, path: string, host = 'a.test') =>
  raw(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)
const META = '/.well-known/host-meta'

describe('host-meta (XEP-0156)', () => {
  test('JSON and XML name the WebSocket of our own HTTPS listener, on the domain that was asked', async () => {
    const port = await open({}, 5281)
    const json = await get(port, `${META}.json`, 'A.test:80')
    expect(JSON.parse(bodyOf(json))).toEqual({
      links: [{ rel: 'urn:xmpp:alt-connections:websocket', href: 'wss://a.test:5281/ws' }],
    })
    expect(json).toMatch(/access-control-allow-origin: \*\r\n/)
    const xml = await get(port, META, 'xn--bcher-kva.example')
    const xrd = parseElement(bodyOf(xml))
    expect(xrd.child('Link')?.attr('href')).toBe('wss://xn--bcher-kva.example:5281/ws')
    expect(xml).toMatch(/content-type: application\/xrd\+xml/)
  })

  test('publicUrl wins, with its path, whatever domain was asked', async () => {
    const port = await open({ publicUrl: 'https://chat.a.test/xmpp/' }, 5281)
    for (const host of ['a.test', 'chat.a.test']) {
      expect(bodyOf(await get(port, `${META}.json`, host))).toContain('"wss://chat.a.test/xmpp/ws"')
    }
  })

  test.each([
    [{}, undefined],
    [{ publicUrl: 'http://a.test' }, 5281],
  ] as const)('no link that is not protected', async (config, https) => {
    expect(bodyOf(await get(await open(config, https), `${META}.json`))).toBe('{"links":[]}')
  })
})

describe('health', () => {
  test('answers by address', async () => {
    const port = await open()
    expect(await get(port, '/health/live', '192.0.2.1')).toMatch(/^HTTP\/1.1 200 /)
    expect(await get(port, '/health/ready', '192.0.2.1')).toMatch(/^HTTP\/1.1 200 /)
  })

  test('answers a load balancer that names no host at all, which nothing else does', async () => {
    const port = await open()
    const ask = (path: string, version: string) => raw(port, `GET ${path} HTTP/${version}\r\nConnection: close\r\n\r\n`)
    expect(await ask('/health/live', '1.0')).toMatch(/^HTTP\/1.1 200 /)
    expect(await ask('/health/live', '1.1')).toMatch(/^HTTP\/1.1 400 /)
    expect(await ask(META, '1.0')).toMatch(/^HTTP\/1.1 421 /)
  })
})

describe('routes', () => {
  const upload: HttpRoute = {
    method: 'PUT',
    path: '/upload/:slot',
    bodyLimit: 10,
    answer: ({ params, body, query, host }) => ({
      status: 201,
      body: `${params['slot']} ${query.get('q')} ${host} ${body}`,
    }),
  }
  const broken: HttpRoute = {
    method: 'GET',
    path: '/broken',
    answer: () => {
      throw new Error('the secret is hush-hush')
    },
  }
  const put = (body: string) =>
    `PUT /upload/abc?q=1 HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`

  test('get parameters, query and bytes', async () => {
    const port = await open({}, undefined, upload)
    const answer = await raw(port, put('hello'))
    expect(answer).toMatch(/^HTTP\/1.1 201 /)
    expect(bodyOf(answer)).toBe('abc 1 a.test hello')
    expect(answer).toMatch(/x-content-type-options: nosniff/)
  })

  test('a body over the limit is refused', async () => {
    expect(await raw(await open({}, undefined, upload), put('hello world'))).toMatch(/^HTTP\/1.1 413 /)
  })

  test('a crash says nothing of what was inside', async () => {
    const answer = await get(await open({}, undefined, broken), '/broken')
    expect(answer).toMatch(/^HTTP\/1.1 500 /)
    expect(answer).not.toContain('hush-hush')
  })

  test('are added before the server opens', () => {
    const routes = new HttpRoutes()
    routes.add(upload)
    expect(routes.close()).toEqual([upload])
    expect(() => routes.add(broken)).toThrow('before the server opens')
  })
})

describe('addresses to listen on', () => {
  const listener = () => {
    const server = createServer()
    closers.push(() => server.close())
    return server
  }

  test('without a host: IPv4 and IPv6, or IPv4 alone', async () => {
    expect(await listenAt(listener(), 'listen.client', ':0')).toMatch(/^(\[::\]|0\.0\.0\.0):\d+$/)
  })

  test('one that is taken is named with its key', async () => {
    const taken = await listenAt(listener(), 'listen.client', '127.0.0.1:0')
    await expect(listenAt(listener(), 'listen.http', taken)).rejects.toThrow(
      new ListenError(`listen.http: another program listens on ${taken} already; stop it, or choose another port`),
    )
  })

  test('one of another machine', async () => {
    await expect(listenAt(listener(), 'listen.http', '192.0.2.1:5280')).rejects.toThrow('does not have the address')
  })
})
