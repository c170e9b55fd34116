import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createHttpServer, listenAt } from '@parley/http'
import { dial } from '../../../packages/wire/test/peer.ts'
import { Front } from './front.ts'

let front: Front
beforeAll(async () => {
  front = await Front.open({ domains: ['a.test'] })
})
afterAll(() => front.close())

function raw(text: string): Promise<string> {
  return new Promise(resolve => {
    let answer = ''
    const socket = connect({ port: front.port('http'), host: '127.0.0.1' }, () => socket.write(text))
    socket.on('data', chunk => {
      answer += chunk.toString()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}

const META = '/.well-known/host-meta.json'
const request = (lines: string) => raw(`GET ${META} HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`)

describe('threat 127: the Host header', () => {
  test('a hosted name is answered', async () => {
    expect(await request('Host: a.test\r\n')).toMatch(/^HTTP\/1.1 200 /)
  })

  test.each([
    ['unknown', 'Host: evil.test\r\n', 421],
    ['a suffix', 'Host: evil-a.test\r\n', 421],
    ['with a path', 'Host: a.test/@evil.test\r\n', 421],
    ['with a user', 'Host: a.test@evil.test\r\n', 421],
    ['twice', 'Host: a.test\r\nHost: evil.test\r\n', 400],
    ['absent', '', 400],
    ['with a line feed', 'Host: a.test\nX: y\r\n\r\n', 400],
  ])('%s', async (_, lines, status) => {
    const answer = await request(lines)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).not.toContain('evil')
    expect(answer).not.toContain('wss:')
  })

  test('an absolute URI', async () => {
    const answer = await raw(`GET http://evil.test${META} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
  })
})

describe('threat 128: request smuggling', () => {
  test.each([
    ['both lengths', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd'],
    ['a folded header', 'X: a\r\n b\r\nTransfer-Encoding : chunked\r\n\r\n'],
    ['an unknown coding', 'Transfer-Encoding: xchunked\r\n\r\n'],
    ['a bare line feed', 'X: y\nContent-Length: 0\r\n\r\n'],
  ])('%s', async (_, rest) => {
    expect(await raw(`POST ${META} HTTP/1.1\r\nHost: a.test\r\n${rest}`)).toMatch(/^HTTP\/1.1 400 /)
  })
})

describe('threat 129: too much HTTP', () => {
  test('100 000 headers', async () => {
    expect(await request(`Host: a.test\r\n${'X: y\r\n'.repeat(100_000)}`)).toMatch(/^HTTP\/1.1 431 /)
  })

  test('a URI of 100 KB', async () => {
    expect(await raw(`GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: a.test\r\n\r\n`)).toMatch(/^HTTP\/1.1 4(14|31) /)
  })

  test('a header that never ends', async () => {
    const { config, log } = front.server
    const upgrade = () => {}
    const app = await createHttpServer({ config, log, routes: [], upgrade, headersTime: 100 })
    try {
      const address = await listenAt(app.server, 'listen.http', '127.0.0.1:0')
      const slow = await dial(Number(address.split(':').at(-1)))
      await slow.write('GET / HTTP/1.1\r\nHost: a.test\r\nX: ')
      await slow.until('HTTP/1.1 408 ')
      await slow.closed
    } finally {
      await app.close()
    }
  })
})

describe('threat 140: host-meta', () => {
  test('names nothing but wss', async () => {
    const { links } = JSON.parse((await request('Host: a.test\r\n')).split('\r\n\r\n')[1]!) as {
      links: { href: string }[]
    }
    expect(links.map(({ href }) => new URL(href).protocol)).toEqual(['wss:'])
  })
})
