import { createHmac } from 'node:crypto'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { type FastRequest, type MechanismContext, newToken, startExchange } from '@parley/sasl'
import { Accounts, conditionOf, contextOf, endPoint, exporter, now, succeeded } from '../test/harness.ts'

/** The part of an untyped package that is used here. */
interface ForeignClient {
  response(credentials: { username: string; password: string }): Promise<string>
  final(data: string): Promise<void>
}
const foreignClient: string = '@xmpp/sasl-ht-sha-256-none'

const token = newToken()
const older = newToken()
const phone: FastRequest = { client: 'phone', earlyData: false }
let accounts: Accounts

function give(mechanism: string, expires = now + 1): void {
  accounts.slots.set('juliet phone', [
    { id: 'new', key: Buffer.from(token), mechanism, expires },
    { id: 'current', key: Buffer.from(older), mechanism, expires },
  ])
}

beforeEach(() => {
  accounts = new Accounts()
  accounts.states.set('juliet', 'active')
  give('HT-SHA-256-NONE')
})

interface Attempt {
  readonly mechanism?: string
  readonly key?: string
  readonly binding?: Buffer
  readonly user?: string
  readonly changes?: Partial<MechanismContext>
}

function sign(mechanism: string, key: string, role: string, binding: Buffer): Buffer {
  const hash = mechanism.includes('SHA-512') ? 'sha512' : 'sha256'
  return createHmac(hash, key).update(role).update(binding).digest()
}

function attempt({ mechanism = 'HT-SHA-256-NONE', key = token, user = 'juliet', ...rest }: Attempt = {}) {
  const proof = sign(mechanism, key, 'Initiator', rest.binding ?? Buffer.alloc(0))
  const message = Buffer.concat([Buffer.from(`${user}\0`), proof])
  return startExchange(mechanism, contextOf(accounts, { fast: phone, ...rest.changes })).step(message)
}

const variants: readonly [string, Buffer][] = ['SHA-256', 'SHA-512'].flatMap(hash => [
  [`HT-${hash}-NONE`, Buffer.alloc(0)] as [string, Buffer],
  [`HT-${hash}-EXPR`, exporter] as [string, Buffer],
  [`HT-${hash}-ENDP`, endPoint] as [string, Buffer],
])

describe('HT-*', () => {
  test.each(variants)('%s', async (mechanism, binding) => {
    give(mechanism)
    const result = await succeeded(attempt({ mechanism, binding }))
    expect(result).toEqual({
      success: { user: 'juliet', host: 'example.org' },
      data: sign(mechanism, token, 'Responder', binding),
      token: 'new',
    })
    expect(accounts.redeemed).toEqual(['new'])
  })

  test('the current token works while a newer one waits', async () => {
    expect((await succeeded(attempt({ key: older }))).token).toBe('current')
  })

  test('agrees with the HT-SHA-256-NONE client of xmpp.js', async () => {
    const { Mechanism } = (await import(foreignClient)) as { Mechanism: new () => ForeignClient }
    const foreign = new Mechanism()
    const message = Buffer.from(await foreign.response({ username: 'juliet', password: token }), 'latin1')
    const exchange = startExchange('HT-SHA-256-NONE', contextOf(accounts, { fast: phone }))
    const { data } = await succeeded(exchange.step(message))
    await expect(foreign.final(data!.toString('latin1'))).resolves.toBeUndefined()
  })
})

describe('refusals', () => {
  test.each<[string, Attempt]>([
    ['another token', { key: newToken() }],
    ['an unknown user', { user: 'nobody' }],
    ['a name that is no localpart', { user: 'ju@liet' }],
    ['a token of another client', { changes: { fast: { client: 'laptop', earlyData: false } } }],
    ['a token of another mechanism', { mechanism: 'HT-SHA-256-EXPR', binding: exporter }],
    ['the padding key of empty slots', { key: Buffer.alloc(32, 7).toString() }],
  ])('%s', async (_what, options) => {
    expect(await conditionOf(attempt(options))).toBe('not-authorized')
    expect(accounts.redeemed).toEqual([])
  })

  test('binding data of another connection', async () => {
    give('HT-SHA-256-EXPR')
    const options = { mechanism: 'HT-SHA-256-EXPR', binding: Buffer.from('another connection') }
    expect(await conditionOf(attempt(options))).toBe('not-authorized')
  })

  test('the padding key where a slot is empty', async () => {
    accounts.slots.clear()
    expect(await conditionOf(attempt({ key: Buffer.alloc(32, 7).toString() }))).toBe('not-authorized')
  })

  test('an expired token, and only with the right proof', async () => {
    give('HT-SHA-256-NONE', now)
    expect(await conditionOf(attempt())).toBe('credentials-expired')
    expect(await conditionOf(attempt({ key: newToken() }))).toBe('not-authorized')
    expect(accounts.redeemed).toEqual([])
  })

  test('a disabled account, and only with the right proof', async () => {
    accounts.states.set('juliet', 'disabled')
    expect(await conditionOf(attempt())).toBe('account-disabled')
    expect(await conditionOf(attempt({ key: newToken() }))).toBe('not-authorized')
    expect(accounts.redeemed).toEqual([])
  })

  test('a count that is not above the last one', async () => {
    const withCount = (count: number) => attempt({ changes: { fast: { ...phone, earlyData: true, count } } })
    expect((await succeeded(withCount(3))).token).toBe('new')
    expect(await conditionOf(withCount(3))).toBe('not-authorized')
    expect(await conditionOf(withCount(2))).toBe('not-authorized')
    expect((await succeeded(withCount(4))).token).toBe('new')
  })

  test('0-RTT data without a count', async () => {
    expect(await conditionOf(attempt({ changes: { fast: { ...phone, earlyData: true } } }))).toBe('not-authorized')
  })

  test('no <fast/>, no token store', async () => {
    const context = contextOf(accounts)
    const message = Buffer.from('juliet\0x')
    expect(await conditionOf(startExchange('HT-SHA-256-NONE', context).step(message))).toBe('malformed-request')
    const without = contextOf({ scramKeys: () => [], status: () => undefined }, { fast: phone })
    expect(await conditionOf(startExchange('HT-SHA-256-NONE', without).step(message))).toBe('invalid-mechanism')
  })

  test.each(['', '\0', 'juliet', 'juliet\0', '\0x', '\xff\0x'])('message %j', async text => {
    const exchange = startExchange('HT-SHA-256-NONE', contextOf(accounts, { fast: phone }))
    expect(await conditionOf(exchange.step(Buffer.from(text, 'latin1')))).toBe('malformed-request')
  })
})

test('tokens are long and never the same', () => {
  const tokens = Array.from({ length: 100 }, newToken)
  expect(new Set(tokens).size).toBe(100)
  for (const each of tokens) expect(Buffer.from(each, 'base64url')).toHaveLength(32)
})
