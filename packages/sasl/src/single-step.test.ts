import { beforeEach, describe, expect, test } from '@jest/globals'
import { type MechanismContext, startExchange } from '@parley/sasl'
import { Accounts, challenged, conditionOf, contextOf, succeeded } from '../test/harness.ts'

let accounts: Accounts
beforeEach(async () => {
  accounts = new Accounts()
  await accounts.add('juliet', 'pencil', ['SCRAM-SHA-1', 'SCRAM-SHA-512'])
})

function attempt(mechanism: string, message: string | Buffer, changes: Partial<MechanismContext> = {}) {
  return startExchange(mechanism, contextOf(accounts, changes)).step(Buffer.from(message))
}

describe('PLAIN', () => {
  test.each([
    '\0juliet\0pencil',
    '\0Juliet\0pencil',
    'juliet@example.org\0juliet\0pencil',
    'Juliet@Example.ORG\0juliet\0pencil',
  ])('%j', async message => {
    const result = await succeeded(attempt('PLAIN', message))
    expect(result).toEqual({ success: { user: 'juliet', host: 'example.org' } })
  })

  test('keys of the weakest hash alone are enough', async () => {
    await accounts.add('romeo', 'rose', ['SCRAM-SHA-1'])
    expect((await succeeded(attempt('PLAIN', '\0romeo\0rose'))).success.user).toBe('romeo')
  })

  test.each([
    ['\0juliet\0wrong', 'not-authorized'],
    ['\0nobody\0pencil', 'not-authorized'],
    ['\0ju@liet\0pencil', 'not-authorized'],
    ['\0juliet\0\u0007', 'not-authorized'],
    // Logged in as one, session of another.
    ['fake@example.org\0juliet\0pencil', 'invalid-authzid'],
    ['juliet@example.com\0juliet\0pencil', 'invalid-authzid'],
    ['juliet@example.org/garden\0juliet\0pencil', 'invalid-authzid'],
    ['juliet\0juliet\0pencil', 'invalid-authzid'],
    ['', 'malformed-request'],
    ['juliet', 'malformed-request'],
    ['\0juliet', 'malformed-request'],
    ['\0juliet\0', 'malformed-request'],
    ['\0\0pencil', 'malformed-request'],
    ['\0juliet\0pencil\0', 'malformed-request'],
    [Buffer.from([0, 0x61, 0, 0xff]), 'malformed-request'],
  ])('%j', async (message, condition) => {
    expect(await conditionOf(attempt('PLAIN', message))).toBe(condition)
  })

  test.each([['disabled', 'account-disabled'] as const, ['expired', 'credentials-expired'] as const])(
    'a %s account, and only with the right password',
    async (state, condition) => {
      accounts.states.set('juliet', state)
      expect(await conditionOf(attempt('PLAIN', '\0juliet\0pencil'))).toBe(condition)
      expect(await conditionOf(attempt('PLAIN', '\0juliet\0wrong'))).toBe('not-authorized')
    },
  )
})

describe('EXTERNAL (XEP-0178 §2)', () => {
  const one = { certificateAddresses: ['juliet@example.org'] }
  const two = { certificateAddresses: ['juliet@example.org', 'romeo@example.org'] }

  test('one address, no authzid', async () => {
    expect((await succeeded(attempt('EXTERNAL', '', one))).success).toEqual({ user: 'juliet', host: 'example.org' })
  })

  test('an empty response to the empty challenge', async () => {
    const exchange = startExchange('EXTERNAL', contextOf(accounts, one))
    await challenged(exchange, undefined)
    expect((await succeeded(exchange.step(Buffer.alloc(0)))).success.user).toBe('juliet')
  })

  test('an authzid chooses among several', async () => {
    await accounts.add('romeo', 'rose', [])
    expect((await succeeded(attempt('EXTERNAL', 'Romeo@example.org', two))).success.user).toBe('romeo')
  })

  test('names twice, of other hosts, of hosts only, full or broken do not count', async () => {
    const certificateAddresses = [
      'example.org',
      'juliet@example.com',
      'romeo@example.org/orchard',
      '@',
      'JULIET@example.org',
      'juliet@example.org',
    ]
    expect((await succeeded(attempt('EXTERNAL', '', { certificateAddresses }))).success.user).toBe('juliet')
  })

  test('no authzid with several addresses', async () => {
    expect(await conditionOf(attempt('EXTERNAL', '', two))).toBe('invalid-authzid')
  })

  test.each(['romeo@example.org', 'juliet@example.com', 'juliet@example.org/a', 'juliet', 'example.org', '@'])(
    'authzid %s that the certificate does not name',
    async authzid => {
      expect(await conditionOf(attempt('EXTERNAL', authzid, one))).toBe('invalid-authzid')
    },
  )

  test('NUL and broken UTF-8', async () => {
    expect(await conditionOf(attempt('EXTERNAL', 'juliet@example.org\0', one))).toBe('malformed-request')
    expect(await conditionOf(attempt('EXTERNAL', Buffer.from([0xff]), one))).toBe('malformed-request')
  })

  test('no, disabled and expired account', async () => {
    const unknown = { certificateAddresses: ['nobody@example.org'] }
    expect(await conditionOf(attempt('EXTERNAL', '', unknown))).toBe('not-authorized')
    accounts.states.set('juliet', 'disabled')
    expect(await conditionOf(attempt('EXTERNAL', '', one))).toBe('account-disabled')
    accounts.states.set('juliet', 'expired')
    expect(await conditionOf(attempt('EXTERNAL', '', one))).toBe('credentials-expired')
  })
})

describe('ANONYMOUS', () => {
  test('every stream gets a name of its own', async () => {
    const results = await Promise.all(
      ['', 'sirhc', 'ä'.repeat(255)].map(trace => succeeded(attempt('ANONYMOUS', trace))),
    )
    for (const { success, anonymous } of results) {
      expect(anonymous).toBe(true)
      expect(success.host).toBe('example.org')
      expect(success.user).toMatch(/^[0-9a-f-]{36}$/)
    }
    expect(new Set(results.map(({ success }) => success.user)).size).toBe(3)
  })

  test.each(['ä'.repeat(256), 'a\0b', Buffer.from([0xff])])('a bad trace', async trace => {
    expect(await conditionOf(attempt('ANONYMOUS', trace))).toBe('malformed-request')
  })
})
