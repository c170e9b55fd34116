import { describe, expect, test } from '@jest/globals'
import {
  decodePayload,
  defaultPolicy,
  type Link,
  mechanismNames,
  offeredBindings,
  offeredMechanisms,
  offeredTokenMechanisms,
  SaslError,
  startExchange,
} from '@parley/sasl'
import { Accounts, contextOf, endPoint, exporter, policy } from '../test/harness.ts'

const tls: Link = { host: 'example.org', secure: true, bindings: {}, certificateAddresses: [] }
const bound: Link = { ...tls, bindings: { 'tls-server-end-point': endPoint, 'tls-exporter': exporter } }
const plusNames = ['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS']
const scramNames = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1']

function conditionOfStart(mechanism: string, changes: Parameters<typeof contextOf>[1]): string {
  try {
    startExchange(mechanism, contextOf(new Accounts(), changes))
  } catch (error) {
    if (error instanceof SaslError) return error.condition
    throw error
  }
  return 'started'
}

describe('what is offered', () => {
  test('by default neither PLAIN nor ANONYMOUS', () => {
    expect(offeredMechanisms(bound, defaultPolicy)).toEqual([...plusNames, ...scramNames])
  })

  test('everything enabled, with a certificate', () => {
    const link = { ...bound, certificateAddresses: ['juliet@example.org'] }
    const expected = ['EXTERNAL', ...plusNames, ...scramNames, 'PLAIN', 'ANONYMOUS']
    expect(offeredMechanisms(link, policy)).toEqual(expected)
  })

  test('no -PLUS without binding, no EXTERNAL for a certificate of another host', () => {
    const link = { ...tls, certificateAddresses: ['juliet@example.com', 'example.org'] }
    expect(offeredMechanisms(link, policy)).toEqual([...scramNames, 'PLAIN', 'ANONYMOUS'])
  })

  test('nothing without TLS, or SCRAM alone where that is allowed', () => {
    const link = { ...bound, secure: false, certificateAddresses: ['juliet@example.org'] }
    expect(offeredMechanisms(link, policy)).toEqual([])
    expect(offeredMechanisms(link, { ...policy, allowInsecure: true })).toEqual(scramNames)
    expect(offeredTokenMechanisms(link, { ...policy, allowInsecure: true })).toEqual([])
  })

  test('tokens by binding', () => {
    expect(offeredTokenMechanisms(tls, defaultPolicy)).toEqual(['HT-SHA-512-NONE', 'HT-SHA-256-NONE'])
    expect(offeredTokenMechanisms(bound, { ...policy, enabled: ['HT-SHA-256-ENDP', 'HT-SHA-256-EXPR'] })).toEqual([
      'HT-SHA-256-EXPR',
      'HT-SHA-256-ENDP',
    ])
  })

  test('binding types', () => {
    expect(offeredBindings(bound)).toEqual(['tls-exporter', 'tls-server-end-point'])
    expect(offeredBindings({ ...tls, bindings: { 'tls-server-end-point': endPoint } })).toEqual([
      'tls-server-end-point',
    ])
    expect(offeredBindings(tls)).toEqual([])
  })

  test('only what is enabled', () => {
    expect(offeredMechanisms(bound, { ...policy, enabled: ['PLAIN', 'DIGEST-MD5'] })).toEqual(['PLAIN'])
  })
})

describe('starting an exchange', () => {
  const all = { mechanisms: mechanismNames, tokenMechanisms: mechanismNames }

  test.each(['DIGEST-MD5', 'GSSAPI', 'scram-sha-1', '', 'EXTERNAL'])('%s was not advertised', mechanism => {
    expect(conditionOfStart(mechanism, {})).toBe('invalid-mechanism')
  })

  test.each(mechanismNames)('%s that is known but was not advertised', mechanism => {
    expect(conditionOfStart(mechanism, { advertised: { mechanisms: [] } })).toBe('invalid-mechanism')
  })

  test.each(['ANONYMOUS', 'PLAIN'])('%s advertised by mistake while not enabled', mechanism => {
    expect(conditionOfStart(mechanism, { advertised: all, policy: defaultPolicy })).toBe('invalid-mechanism')
  })

  test('EXTERNAL advertised by mistake without certificate', () => {
    expect(conditionOfStart('EXTERNAL', { advertised: all })).toBe('invalid-mechanism')
  })

  test.each(mechanismNames)('%s without TLS', mechanism => {
    expect(conditionOfStart(mechanism, { advertised: all, secure: false })).toBe('encryption-required')
  })

  test('PLAIN without TLS where SCRAM is allowed', () => {
    const changes = { advertised: all, secure: false, policy: { ...policy, allowInsecure: true } }
    expect(conditionOfStart('PLAIN', changes)).toBe('invalid-mechanism')
    expect(conditionOfStart('SCRAM-SHA-1', changes)).toBe('started')
  })

  test('a short decoy secret is a mistake of the caller', () => {
    expect(() => startExchange('PLAIN', contextOf(new Accounts(), { decoySecret: Buffer.alloc(16) }))).toThrow(
      RangeError,
    )
  })
})

describe('payload', () => {
  test.each([
    ['', ''],
    ['=', ''],
    ['AGE=', '\0a'],
    ['YWJj', 'abc'],
  ])('%j', (text, expected) => {
    expect(decodePayload(text).toString()).toBe(expected)
  })

  test.each(['A', 'AGE', 'AGF=', 'A GE=', ' AGE=', 'AGE=\n', 'AG-_', '====', '==', 'AGE=AGE=', 'ä'])('%j', text => {
    expect(() => decodePayload(text)).toThrow(expect.objectContaining({ condition: 'incorrect-encoding' }))
  })

  test('a megabyte', () => {
    const text = Buffer.alloc(1 << 20).toString('base64')
    expect(() => decodePayload(text)).toThrow(expect.objectContaining({ condition: 'malformed-request' }))
  })
})
