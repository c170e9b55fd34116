import { describe, expect, test } from '@jest/globals'
import {
  defaultIterations,
  deriveScramKeys,
  keysFromSaltedPassword,
  newScramParameters,
  PasswordError,
  SaslError,
  scramMechanisms,
  upgradeTask,
  verifyPassword,
} from '@parley/sasl'
import { digest } from './digest.ts'
import { scramHash } from './scram-mechanism.ts'

describe('keys', () => {
  test.each(scramMechanisms)('%s keys verify their password only', async mechanism => {
    const keys = await deriveScramKeys('pencil', mechanism, { iterations: 4096 })
    expect(await verifyPassword('pencil', keys)).toBe(true)
    expect(await verifyPassword('Pencil', keys)).toBe(false)
    expect(await verifyPassword('', keys)).toBe(false)
    expect(await verifyPassword('\u0007', keys)).toBe(false)
  })

  test('every salt is new, and the default counts are used', async () => {
    const [a, b] = await Promise.all([
      deriveScramKeys('pencil', 'SCRAM-SHA-1'),
      deriveScramKeys('pencil', 'SCRAM-SHA-1'),
    ])
    expect(a.salt).toHaveLength(16)
    expect(a.salt.equals(b.salt)).toBe(false)
    expect(a.storedKey.equals(b.storedKey)).toBe(false)
    expect(a.iterations).toBe(defaultIterations['SCRAM-SHA-1'])
    expect(Math.min(...Object.values(defaultIterations))).toBeGreaterThanOrEqual(10_000)
  })

  test.each([0, -1, 4095, 4096.5, Number.NaN, Number.POSITIVE_INFINITY, 1e9])(
    '%d iterations are refused',
    async count => {
      await expect(deriveScramKeys('pencil', 'SCRAM-SHA-1', { iterations: count })).rejects.toThrow(RangeError)
    },
  )

  test('an empty salt is refused', async () => {
    await expect(deriveScramKeys('pencil', 'SCRAM-SHA-1', { salt: Buffer.alloc(0) })).rejects.toThrow(RangeError)
  })

  test('damaged keys verify nothing', async () => {
    const keys = await deriveScramKeys('pencil', 'SCRAM-SHA-1', { iterations: 4096 })
    expect(await verifyPassword('pencil', { ...keys, storedKey: keys.storedKey.subarray(1) })).toBe(false)
  })
})

describe('preparation', () => {
  const pairs: readonly [string, string, string][] = [
    ['NFD and NFC', 'cafe\u0301', 'café'],
    ['a no-break space and a space', 'a\u00a0b', 'a b'],
    ['a soft hyphen and none (RFC 4013 §3)', 'I\u00adX', 'IX'],
    ['a compatibility form (RFC 4013 §3)', '\u2168', 'IX'],
    ['an emoji', '\u{1f511}key', '\u{1f511}key'],
    ['mixed directions, by OpaqueString', '\u05d0a\u00a0b', '\u05d0a b'],
  ]
  test.each(pairs)('%s', async (_what, set, given) => {
    const keys = await deriveScramKeys(set, 'SCRAM-SHA-1', { iterations: 4096 })
    expect(await verifyPassword(given, keys)).toBe(true)
    expect(await verifyPassword(`${given}x`, keys)).toBe(false)
  })

  test.each(['', '\u0007', '\u00ad', '\ud800', 'a'.repeat(1024), 'ä'.repeat(600)])('%j is refused', async password => {
    const attempt = deriveScramKeys(password, 'SCRAM-SHA-1', { iterations: 4096 })
    await expect(attempt).rejects.toThrow(PasswordError)
    await expect(attempt).rejects.toThrow('the password is empty, too long or holds characters that are not allowed')
  })
})

describe('upgrade tasks (XEP-0480)', () => {
  test('keys from the client’s salted password are those of the password', async () => {
    for (const mechanism of scramMechanisms) {
      const parameters = newScramParameters(mechanism, 4096)
      const salted = await digest.pbkdf2(scramHash[mechanism], 'pencil', parameters.salt, parameters.iterations)
      const keys = keysFromSaltedPassword(parameters, salted)
      expect(keys).toEqual(await deriveScramKeys('pencil', mechanism, parameters))
      expect(upgradeTask(mechanism)).toBe(`UPGR-${mechanism}`)
    }
  })

  test.each([0, 20, 31, 33])('%d octets for SHA-256 are refused', length => {
    const parameters = newScramParameters('SCRAM-SHA-256')
    expect(() => keysFromSaltedPassword(parameters, Buffer.alloc(length))).toThrow(SaslError)
  })
})
