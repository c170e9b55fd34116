import { createRequire } from 'node:module'
import { beforeAll, describe, expect, jest, test } from '@jest/globals'
import { SaslError, type ScramMechanism, scramMechanisms, startExchange } from '@parley/sasl'
import {
  Accounts,
  challenged,
  conditionOf,
  contextOf,
  endPoint,
  exporter,
  failureOf,
  login,
  policy,
  ScramClient,
  succeeded,
} from '../test/harness.ts'
import { digest } from './digest.ts'
import { deriveScramKeys } from './scram-keys.ts'

/** The part of the untyped `sasl-scram-sha-1` that is used here. */
interface ForeignClient {
  response(credentials: { username: string; password: string }): string | Promise<string>
  challenge(text: string): ForeignClient
  readonly _serverSignature: Uint8Array
}
const Foreign = createRequire(import.meta.url)('sasl-scram-sha-1') as new () => ForeignClient

const accounts = new Accounts()
beforeAll(() => accounts.add('juliet', 'pencil'))

/** One exchange as printed in an RFC. */
interface Vector {
  readonly mechanism: ScramMechanism
  readonly salt: string
  readonly serverNonce: string
  readonly clientFirst: string
  readonly serverFirst: string
  readonly clientFinal: string
  readonly serverFinal: string
}

const vectors: readonly Vector[] = [
  {
    // RFC 5802 §5
    mechanism: 'SCRAM-SHA-1',
    salt: 'QSXCR+Q6sek8bf92',
    serverNonce: '3rfcNHYJY1ZVvWVs7j',
    clientFirst: 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
    serverFirst: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    clientFinal: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    serverFinal: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  {
    // RFC 7677 §3
    mechanism: 'SCRAM-SHA-256',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
    serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    clientFinal:
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
]

describe('published exchanges', () => {
  test.each(vectors)('$mechanism', async vector => {
    const store = new Accounts()
    const salt = Buffer.from(vector.salt, 'base64')
    store.keys.set('user', [await deriveScramKeys('pencil', vector.mechanism, { iterations: 4096, salt })])
    store.states.set('user', 'active')
    const nonce = jest.spyOn(digest, 'nonce').mockReturnValue(vector.serverNonce)
    const context = contextOf(store, { policy: { ...policy, downgradeProtection: false } })
    const exchange = startExchange(vector.mechanism, context)
    const challenge = await challenged(exchange, Buffer.from(vector.clientFirst))
    nonce.mockRestore()
    expect(challenge.toString()).toBe(vector.serverFirst)
    const result = await succeeded(exchange.step(Buffer.from(vector.clientFinal)))
    expect(result.data?.toString()).toBe(vector.serverFinal)
    expect(result.success).toEqual({ user: 'user', host: 'example.org' })
  })

  test('XEP-0474 §6.3: hash over mechanisms and bindings', async () => {
    const advertised = {
      mechanisms: ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'],
      bindings: ['tls-server-end-point', 'tls-exporter'],
    }
    const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts, { advertised }))
    const challenge = await challenged(exchange, new ScramClient('SCRAM-SHA-1').first)
    expect(challenge.toString()).toMatch(/,i=4096,h=G6k\/rBLDqgOhRRaCuuatSDFkJ08=$/)
  })

  test('XEP-0474 §6.1: without advertised bindings only the mechanisms are hashed', async () => {
    for (const bindings of [undefined, []]) {
      const advertised = { mechanisms: ['SCRAM-SHA-1'], ...(bindings && { bindings }) }
      const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts, { advertised }))
      const challenge = await challenged(exchange, new ScramClient('SCRAM-SHA-1').first)
      const hash = digest.hash('sha1', Buffer.from('SCRAM-SHA-1')).toString('base64')
      expect(challenge.toString().endsWith(`,h=${hash}`)).toBe(true)
    }
  })
})

describe('login', () => {
  test.each(scramMechanisms)('%s', async mechanism => {
    const { result, client } = await login(contextOf(accounts), mechanism)
    expect(result.success).toEqual({ user: 'juliet', host: 'example.org' })
    expect(result.data?.toString()).toBe(client.expectedServerFinal)
  })

  test.each(scramMechanisms)('%s-PLUS with each binding', async mechanism => {
    for (const [type, bindingData] of [
      ['tls-exporter', exporter] as const,
      ['tls-server-end-point', endPoint] as const,
    ]) {
      const { result, client } = await login(contextOf(accounts), `${mechanism}-PLUS`, {
        gs2: `p=${type},,`,
        bindingData,
      })
      expect(result.success.user).toBe('juliet')
      expect(result.data?.toString()).toBe(client.expectedServerFinal)
    }
  })

  test('a client without initial response is asked for it', async () => {
    const exchange = startExchange('SCRAM-SHA-256', contextOf(accounts))
    expect(await challenged(exchange, undefined)).toEqual(Buffer.alloc(0))
    const client = new ScramClient('SCRAM-SHA-256')
    const challenge = await challenged(exchange, client.first)
    expect((await succeeded(exchange.step(client.final(challenge)))).success.user).toBe('juliet')
  })

  test('the user name is unescaped and prepared', async () => {
    const store = new Accounts()
    await store.add('o,mal=ley', 'pencil')
    const { result } = await login(contextOf(store), 'SCRAM-SHA-1', { username: 'O=2CMal=3Dley' })
    expect(result.success.user).toBe('o,mal=ley')
  })

  test('own bare JID as authzid', async () => {
    const { result } = await login(contextOf(accounts), 'SCRAM-SHA-1', { gs2: 'n,a=Juliet@EXAMPLE.org,' })
    expect(result.success.user).toBe('juliet')
  })

  test('optional extensions are signed and ignored', async () => {
    const client = new ScramClient('SCRAM-SHA-1', { nonce: 'abc,x=1' })
    const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts))
    const challenge = (await challenged(exchange, client.first)).toString()
    const [r, s, i] = challenge.split(',') as [string, string, string]
    const final = client.finalWith(challenge, `c=biws,${r},z=2`, s.slice(2), Number(i.slice(2)))
    expect((await succeeded(exchange.step(final))).data?.toString()).toBe(client.expectedServerFinal)
  })

  test('the account tried is known before the proof', async () => {
    const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts))
    expect(exchange.claimed).toBeUndefined()
    await exchange.step(new ScramClient('SCRAM-SHA-1', { username: 'Romeo' }).first)
    expect(exchange.claimed).toBe('romeo')
  })

  test('agrees with the SCRAM-SHA-1 client of xmpp.js', async () => {
    const foreign = new Foreign()
    const credentials = { username: 'juliet', password: 'pencil' }
    const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts))
    const first = await foreign.response(credentials)
    const challenge = await challenged(exchange, Buffer.from(first))
    const final = await foreign.challenge(challenge.toString()).response(credentials)
    const { data } = await succeeded(exchange.step(Buffer.from(final)))
    expect(data?.toString()).toBe(`v=${Buffer.from(foreign._serverSignature).toString('base64')}`)
  })
})

describe('channel binding flags', () => {
  test.each([
    ['y although -PLUS was offered', 'SCRAM-SHA-1', 'y,,', 'not-authorized'],
    ['p without -PLUS', 'SCRAM-SHA-1', 'p=tls-exporter,,', 'malformed-request'],
    ['n with -PLUS', 'SCRAM-SHA-1-PLUS', 'n,,', 'malformed-request'],
    ['y with -PLUS', 'SCRAM-SHA-1-PLUS', 'y,,', 'malformed-request'],
    ['an unknown type', 'SCRAM-SHA-1-PLUS', 'p=tls-unique,,', 'not-authorized'],
    ['a name that every object has', 'SCRAM-SHA-1-PLUS', 'p=constructor,,', 'not-authorized'],
    ['no type', 'SCRAM-SHA-1-PLUS', 'p=,,', 'malformed-request'],
  ])('%s fails', async (_what, mechanism, gs2, condition) => {
    const exchange = startExchange(mechanism, contextOf(accounts))
    expect(await conditionOf(exchange.step(new ScramClient(mechanism, { gs2 }).first))).toBe(condition)
  })

  test.each([
    ['SCRAM-SHA-1-PLUS', 'p=tls-unique,,', true],
    ['SCRAM-SHA-1', 'y,,', true],
    ['SCRAM-SHA-1', 'n,,a=nurse,', false],
  ])('%s with %s: no secret was tested: %s', async (mechanism, gs2, untested) => {
    const exchange = startExchange(mechanism, contextOf(accounts))
    const refusal = exchange.step(new ScramClient(mechanism, { gs2 }).first)
    await expect(refusal).rejects.toMatchObject({ name: 'SaslError', untested })
  })

  test('y where nothing can be bound', async () => {
    const { result } = await login(contextOf(accounts, { bindings: {} }), 'SCRAM-SHA-1', { gs2: 'y,,' })
    expect(result.success.user).toBe('juliet')
  })

  test('data of another connection fails', async () => {
    const bindingData = Buffer.from('another connection')
    const attempt = login(contextOf(accounts), 'SCRAM-SHA-256-PLUS', { gs2: 'p=tls-exporter,,', bindingData })
    expect(await conditionOf(attempt)).toBe('not-authorized')
  })

  test('a type that this connection lacks fails', async () => {
    const context = contextOf(accounts, { bindings: { 'tls-server-end-point': endPoint } })
    const attempt = login(context, 'SCRAM-SHA-1-PLUS', { gs2: 'p=tls-exporter,,', bindingData: exporter })
    expect(await conditionOf(attempt)).toBe('not-authorized')
  })
})

describe('refusals', () => {
  test('a wrong password', async () => {
    expect(await conditionOf(login(contextOf(accounts), 'SCRAM-SHA-1', { password: 'pencils' }))).toBe('not-authorized')
  })

  test.each(['a=romeo@example.org', 'a=juliet@example.com', 'a=juliet@example.org/garden', 'a=example.org', 'a=@'])(
    'authzid %s',
    async authzid => {
      const attempt = login(contextOf(accounts), 'SCRAM-SHA-1', { gs2: `n,${authzid},` })
      expect(await conditionOf(attempt)).toBe('invalid-authzid')
    },
  )

  test.each([
    '',
    ',',
    'n',
    'n,,',
    'n,,n=juliet',
    'n,,n=juliet,',
    'n,,n=juliet,r=',
    'n,,n=,r=abc',
    'n,,r=abc,n=juliet',
    'n,,m=x,n=juliet,r=abc',
    'n,,n=juliet,r=abc,m=x',
    'n,,n=juliet,r=abc,n=romeo',
    'n,,n=juliet,r=abc,',
    'n,,n=juliet,r=abc,x',
    'n,,n=juliet,r=a b',
    'n,,n=juliet,r=ä',
    'n,,n=jul=iet,r=abc',
    'n,,n=jul=2ciet,r=abc',
    'n,a=,n=juliet,r=abc',
    'n,juliet@example.org,n=juliet,r=abc',
    'x,,n=juliet,r=abc',
    'N,,n=juliet,r=abc',
    'n,,n=juliet\0,r=abc',
    'n,,n=juliet,r=abc,x=\0',
  ])('first message %j', async text => {
    const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts))
    expect(await conditionOf(exchange.step(Buffer.from(text)))).toBe('malformed-request')
  })

  test('a user name that is no localpart', async () => {
    const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts))
    expect(await conditionOf(exchange.step(Buffer.from('n,,n=ju@liet,r=abc')))).toBe('not-authorized')
  })

  test('a message that is no UTF-8', async () => {
    const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts))
    const input = Buffer.concat([Buffer.from('n,,n='), Buffer.from([0xff]), Buffer.from(',r=abc')])
    expect(await conditionOf(exchange.step(input))).toBe('malformed-request')
  })

  const edits: readonly [string, (final: string) => string, string][] = [
    ['the nonce shortened', f => f.replace(/,r=(.*?).,/, ',r=$1,'), 'not-authorized'],
    ['a nonce of one’s own', f => f.replace(/,r=[^,]*/, ',r=abc'), 'not-authorized'],
    ['the nonce missing', f => f.replace(/,r=[^,]*/, ''), 'malformed-request'],
    ['c= missing', f => f.replace(/^c=[^,]*,/, ''), 'malformed-request'],
    ['another gs2-header', f => f.replace('c=biws', 'c=eSws'), 'not-authorized'],
    ['c= that is no base64', f => f.replace('c=biws', 'c=b!ws'), 'malformed-request'],
    ['the proof missing', f => f.replace(/,p=.*/, ''), 'malformed-request'],
    ['an empty proof', f => f.replace(/,p=.*/, ',p='), 'malformed-request'],
    ['a short proof', f => f.replace(/,p=.*/, ',p=AAAA'), 'malformed-request'],
    ['a proof of zeros', f => f.replace(/,p=.*/, `,p=${Buffer.alloc(20).toString('base64')}`), 'not-authorized'],
    ['text after the proof', f => `${f},x=1`, 'malformed-request'],
    ['a mandatory extension', f => f.replace(',p=', ',m=1,p='), 'malformed-request'],
    ['an unsigned extension', f => f.replace(',p=', ',x=1,p='), 'not-authorized'],
    ['two proofs', f => `${f},${f.slice(f.indexOf('p='))}`, 'malformed-request'],
    ['an iteration count', f => f.replace(',p=', ',i=1000000000,p='), 'malformed-request'],
    ['a NUL', f => `${f}\0`, 'malformed-request'],
    ['nothing', () => '', 'malformed-request'],
  ]
  test.each(edits)('final message with %s', async (_what, edit, condition) => {
    const client = new ScramClient('SCRAM-SHA-1')
    const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts))
    const final = client.final(await challenged(exchange, client.first)).toString()
    expect(edit(final)).not.toBe(final)
    expect(await conditionOf(exchange.step(Buffer.from(edit(final))))).toBe(condition)
    // The failed exchange is over, also for the right answer.
    expect(await conditionOf(exchange.step(Buffer.from(final)))).toBe('malformed-request')
  })

  test.each([
    ['another nonce', (nonce: string) => `c=biws,r=${nonce}x`],
    ['the client’s own nonce', (nonce: string) => `c=biws,r=${nonce.slice(0, 24)}`],
    ['another gs2-header', (nonce: string) => `c=eSws,r=${nonce}`],
    ['an authzid that was not sent first', (nonce: string) => `c=${btoa('n,a=romeo@example.org,')},r=${nonce}`],
  ])('%s with a proof that fits it', async (_what, withoutProof) => {
    const client = new ScramClient('SCRAM-SHA-1')
    const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts))
    const challenge = (await challenged(exchange, client.first)).toString()
    const [r, s, i] = challenge.split(',') as [string, string, string]
    const final = client.finalWith(challenge, withoutProof(r.slice(2)), s.slice(2), Number(i.slice(2)))
    expect(await conditionOf(exchange.step(final))).toBe('not-authorized')
  })

  test('a final message replayed in a later exchange', async () => {
    const client = new ScramClient('SCRAM-SHA-1')
    const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts))
    const final = client.final(await challenged(exchange, client.first))
    await exchange.step(final)
    const later = startExchange('SCRAM-SHA-1', contextOf(accounts))
    await later.step(client.first)
    expect(await conditionOf(later.step(final))).toBe('not-authorized')
  })

  test('a second final message, and a final message during another', async () => {
    const client = new ScramClient('SCRAM-SHA-1')
    const exchange = startExchange('SCRAM-SHA-1', contextOf(accounts))
    const final = client.final(await challenged(exchange, client.first))
    const [first, second] = await Promise.allSettled([exchange.step(final), exchange.step(final)])
    expect(first.status).toBe('fulfilled')
    expect(second).toMatchObject({ status: 'rejected', reason: { condition: 'malformed-request' } })
    expect(await conditionOf(exchange.step(final))).toBe('malformed-request')
  })

  test('messages that are too long or absent', async () => {
    const long = startExchange('SCRAM-SHA-1', contextOf(accounts))
    const input = Buffer.from(`n,,n=juliet,r=${'a'.repeat(5000)}`)
    expect(await conditionOf(long.step(input))).toBe('malformed-request')
    const absent = startExchange('SCRAM-SHA-1', contextOf(accounts))
    await absent.step(undefined)
    expect(await conditionOf(absent.step(undefined))).toBe('malformed-request')
  })

  test('keys of another hash only', async () => {
    const store = new Accounts()
    await store.add('juliet', 'pencil', ['SCRAM-SHA-1'])
    expect(await conditionOf(login(contextOf(store), 'SCRAM-SHA-512'))).toBe('not-authorized')
  })

  test.each([['disabled', 'account-disabled'] as const, ['expired', 'credentials-expired'] as const])(
    'an account that is %s, and only after the right proof',
    async (state, condition) => {
      const store = new Accounts()
      await store.add('juliet', 'pencil')
      store.states.set('juliet', state)
      expect(await conditionOf(login(contextOf(store), 'SCRAM-SHA-1'))).toBe(condition)
      expect(await conditionOf(login(contextOf(store), 'SCRAM-SHA-1', { password: 'wrong' }))).toBe('not-authorized')
    },
  )

  test('an account that vanished meanwhile', async () => {
    const store = new Accounts()
    await store.add('juliet', 'pencil')
    store.states.delete('juliet')
    expect(await conditionOf(login(contextOf(store), 'SCRAM-SHA-1'))).toBe('not-authorized')
  })

  test('a store that fails', async () => {
    const store = new Accounts()
    const trouble = new Error('connection to the database lost')
    store.scramKeys = () => Promise.reject(trouble)
    const failure = await failureOf(login(contextOf(store), 'SCRAM-SHA-1'))
    expect(failure).toBeInstanceOf(SaslError)
    expect(failure).toMatchObject({
      condition: 'temporary-auth-failure',
      message: 'temporary-auth-failure',
      cause: trouble,
    })
  })
})
