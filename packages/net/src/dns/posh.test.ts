import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { FakeClock } from '@parley/testkit'
import type { DiscoveryEvent } from '../discovery.ts'
import { type Fetched, Posh } from './posh.ts'
import { matchesPosh, readPosh } from './posh-document.ts'

const URL_OF_A = 'https://a.test/.well-known/posh/xmpp-server.json'
const certificate = Buffer.from('a certificate')
const print = (algorithm: string, data = certificate) => createHash(algorithm).update(data).digest('base64')
const document = (fields: object): Fetched => ({ status: 200, body: Buffer.from(JSON.stringify(fields)) })
const ours = (expires = 86_400) => document({ fingerprints: [{ 'sha-256': print('sha256') }], expires })
const redirect = (location: string): Fetched => ({ status: 302, location, body: Buffer.alloc(0) })

/** A web of some documents. */
function web(pages: Record<string, Fetched>) {
  const clock = new FakeClock()
  const asked: string[] = []
  const events: DiscoveryEvent[] = []
  const fetch = async (url: URL) => {
    asked.push(url.href)
    const page = pages[url.href]
    if (!page) throw new Error('there is nothing')
    return page
  }
  const posh = new Posh({ fetch, clock })
  const ask = (domain = 'a.test') => posh.fingerprints(domain, { observe: event => events.push(event) })
  const isNamed = async (domain?: string) => matchesPosh(await ask(domain), certificate)
  return { clock, asked, events, posh, ask, isNamed, pages }
}

describe('RFC 7711 § 3: a document', () => {
  test('names certificates', async () => {
    const { isNamed, ask } = web({ [URL_OF_A]: ours() })
    expect(await isNamed()).toBe(true)
    expect(matchesPosh(await ask(), Buffer.from('another certificate'))).toBe(false)
  })

  test('of a domain with other letters is asked for by its A-labels', async () => {
    const { isNamed } = web({ 'https://xn--bcher-kva.test/.well-known/posh/xmpp-server.json': ours() })
    expect(await isNamed('bücher.test')).toBe(true)
  })

  test('may stand elsewhere (§ 3.2)', async () => {
    const { isNamed, events } = web({
      [URL_OF_A]: document({ url: 'https://host.test/posh.json', expires: 60 }),
      'https://host.test/posh.json': ours(),
    })
    expect(await isNamed()).toBe(true)
    expect(events).toEqual([
      { step: 'posh', url: URL_OF_A, result: 'reference' },
      { step: 'posh', url: 'https://host.test/posh.json', result: 'found' },
    ])
  })

  test('that stands elsewhere does not stand somewhere else again (§ 3.2)', async () => {
    const { isNamed, events } = web({
      [URL_OF_A]: document({ url: 'https://host.test/1', expires: 60 }),
      'https://host.test/1': document({ url: 'https://host.test/2', expires: 60 }),
      'https://host.test/2': ours(),
    })
    expect(await isNamed()).toBe(false)
    expect(events.at(-1)).toMatchObject({ result: 'failed', error: 'a reference leads to another reference' })
  })

  test('is found behind redirections', async () => {
    const { isNamed } = web({
      [URL_OF_A]: redirect('https://www.a.test/posh.json'),
      'https://www.a.test/posh.json': redirect('/moved.json'),
      'https://www.a.test/moved.json': ours(),
    })
    expect(await isNamed()).toBe(true)
  })

  test.each(['http://a.test/posh.json', 'ftp://a.test/', 'https://me:secret@a.test/', 'file:///etc/passwd', '//'])(
    'is not looked for at %s',
    async url => {
      for (const first of [redirect(url), document({ url, expires: 60 })]) {
        const { isNamed, asked } = web({ [URL_OF_A]: first, 'http://a.test/posh.json': ours() })
        expect(await isNamed()).toBe(false)
        expect(asked).toEqual([URL_OF_A])
      }
    },
  )

  test('behind redirections without end is none', async () => {
    const { isNamed, asked } = web({ [URL_OF_A]: redirect(URL_OF_A) })
    expect(await isNamed()).toBe(false)
    expect(asked).toHaveLength(4)
  })

  test('that the web server does not have is none', async () => {
    const { isNamed, events } = web({ [URL_OF_A]: { ...ours(), status: 404 } })
    expect(await isNamed()).toBe(false)
    expect(events).toEqual([{ step: 'posh', url: URL_OF_A, result: 'failed', error: 'the web server says 404' }])
  })

  test('of an address in place of a domain is not looked for', async () => {
    const { isNamed, asked } = web({})
    expect(await isNamed('[::1]')).toBe(false)
    expect(asked).toEqual([])
  })
})

describe('what is in a document', () => {
  test.each([
    ['', undefined],
    ['[]', undefined],
    ['null', undefined],
    ['{"expires":60}', undefined],
    ['{"fingerprints":{},"expires":60}', undefined],
    ['{"fingerprints":[]}', undefined],
    ['{"fingerprints":[],"expires":0}', undefined],
    ['{"fingerprints":[],"expires":-1}', undefined],
    ['{"fingerprints":[],"expires":"60"}', undefined],
    ['{"url":7,"expires":60}', undefined],
    ['{"fingerprints":[],"expires":60}', { fingerprints: [], expires: 60 }],
    [
      '{"fingerprints":[null,7,"x",{},{"sha-256":7},{"sha-256":"AA=="},{"sha-1":"AA=="}],"expires":60}',
      { fingerprints: [], expires: 60 },
    ],
    ['{"url":"https://b.test/","expires":60}', { url: 'https://b.test/', expires: 60 }],
  ])('%s', (body, expected) => {
    expect(readPosh(Buffer.from(body))).toEqual(expected)
  })

  test('the strongest fingerprint of a certificate counts', () => {
    const read = (descriptor: object) => {
      const found = readPosh(document({ fingerprints: [descriptor], expires: 60 }).body)
      return found && 'fingerprints' in found ? matchesPosh(found.fingerprints, certificate) : undefined
    }
    expect(read({ 'sha-512': print('sha512') })).toBe(true)
    expect(read({ 'sha-1': print('sha1'), 'sha-256': print('sha256') })).toBe(true)
    expect(read({ 'sha-256': print('sha256'), 'sha-512': print('sha512', Buffer.from('other')) })).toBe(false)
    expect(read({ 'sha-1': print('sha1') })).toBe(false)
  })
})

describe('what a document said', () => {
  test('holds as long as it says', async () => {
    const { isNamed, clock, asked } = web({ [URL_OF_A]: ours(600) })
    await isNamed()
    clock.advance(599_000)
    await isNamed()
    expect(asked).toHaveLength(1)
    clock.advance(2000)
    await isNamed()
    expect(asked).toHaveLength(2)
  })

  test('holds as long as the reference to it says, if that is shorter', async () => {
    const { isNamed, clock, asked } = web({
      [URL_OF_A]: document({ url: 'https://host.test/', expires: 60 }),
      'https://host.test/': ours(600),
    })
    await isNamed()
    clock.advance(61_000)
    await isNamed()
    expect(asked).toHaveLength(4)
  })

  test('holds for a day at most', async () => {
    const { isNamed, clock, asked } = web({ [URL_OF_A]: ours(1e12) })
    await isNamed()
    clock.advance(86_401_000)
    await isNamed()
    expect(asked).toHaveLength(2)
  })

  test('is not asked for again at once where there was none', async () => {
    const { isNamed, clock, asked } = web({})
    await isNamed()
    clock.advance(299_000)
    await isNamed()
    expect(asked).toHaveLength(1)
  })
})

describe('a web server that does not answer', () => {
  test('is waited for a while', async () => {
    const clock = new FakeClock()
    let given: AbortSignal | undefined
    const fetch = (_: URL, { signal }: { signal: AbortSignal }) => {
      given = signal
      return new Promise<Fetched>(() => {})
    }
    const asked = new Posh({ fetch, clock }).fingerprints('a.test')
    clock.advance(15_000)
    expect(await asked).toEqual([])
    expect(given?.aborted).toBe(true)
  })

  test('is waited for by all who ask, until they give up', async () => {
    let times = 0
    const fetch = () => {
      times++
      return new Promise<Fetched>(() => {})
    }
    const posh = new Posh({ fetch, clock: new FakeClock() })
    const control = new AbortController()
    const first = posh.fingerprints('a.test', { signal: control.signal })
    void posh.fingerprints('a.test')
    control.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    expect(times).toBe(1)
  })
})
