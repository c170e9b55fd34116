import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { mechanismNames, type ScramMechanism, scramMechanisms, startExchange } from '@parley/sasl'
import {
  Accounts,
  challenged,
  conditionOf,
  contextOf,
  failureOf,
  iterations,
  login,
  now,
  ScramClient,
} from '../test/harness.ts'
import { decoyKeys } from './decoy.ts'
import { digest } from './digest.ts'

const accounts = new Accounts()
beforeAll(() => accounts.add('juliet', 'pencil'))
afterEach(() => {
  jest.restoreAllMocks()
})

/** Every cryptographic operation of one attempt that fails, in order, with its hash and rounds. */
async function operations(attempt: () => Promise<unknown>): Promise<readonly string[]> {
  const seen: string[] = []
  const { hash, hmac, pbkdf2 } = digest
  jest.spyOn(digest, 'hash').mockImplementation((name, data) => {
    seen.push(`hash ${name}`)
    return hash(name, data)
  })
  jest.spyOn(digest, 'hmac').mockImplementation((name, key, ...data) => {
    seen.push(`hmac ${name}`)
    return hmac(name, key, ...data)
  })
  jest.spyOn(digest, 'pbkdf2').mockImplementation((name, password, salt, iterations) => {
    seen.push(`pbkdf2 ${name} ${iterations}`)
    return pbkdf2(name, password, salt, iterations)
  })
  expect(await conditionOf(attempt())).toBe('not-authorized')
  jest.restoreAllMocks()
  return seen
}

function plainAttempt(user: string): Promise<unknown> {
  return startExchange('PLAIN', contextOf(accounts)).step(Buffer.from(`\0${user}\0wrong`))
}

describe('a known and an unknown user with a wrong secret cost the same', () => {
  test.each(scramMechanisms)('%s', async mechanism => {
    const attempt = (username: string) => () => login(contextOf(accounts), mechanism, { username, password: 'wrong' })
    const known = await operations(attempt('juliet'))
    expect(known.length).toBeGreaterThan(3)
    expect(known.some(operation => operation.startsWith('pbkdf2'))).toBe(false)
    expect(await operations(attempt('nobody'))).toEqual(known)
  })

  test('PLAIN', async () => {
    const known = await operations(() => plainAttempt('juliet'))
    expect(known.filter(operation => operation.startsWith('pbkdf2'))).toEqual(['pbkdf2 sha512 4096'])
    expect(await operations(() => plainAttempt('nobody'))).toEqual(known)
  })

  test('HT: two, one and no tokens', async () => {
    const slot = (id: string) => ({ id, key: Buffer.from(id), mechanism: 'HT-SHA-256-NONE', expires: now + 1 })
    const context = contextOf(accounts, { fast: { client: 'phone', earlyData: false } })
    const attempt = () =>
      startExchange('HT-SHA-256-NONE', context).step(Buffer.concat([Buffer.from('juliet\0'), Buffer.alloc(32)]))
    const counts: (readonly string[])[] = []
    for (const slots of [[], [slot('a')], [slot('a'), slot('b')], [slot('a'), slot('b'), slot('c')]]) {
      accounts.slots.set('juliet phone', slots)
      counts.push(await operations(attempt))
    }
    expect(counts).toEqual(Array.from({ length: 4 }, () => ['hmac sha256', 'hmac sha256']))
  })
})

describe('an unknown user', () => {
  async function serverFirst(username: string, mechanism: ScramMechanism, secret = 7): Promise<string[]> {
    const context = contextOf(accounts, { decoySecret: Buffer.alloc(32, secret) })
    const challenge = await challenged(
      startExchange(mechanism, context),
      new ScramClient(mechanism, { username }).first,
    )
    return challenge.toString().split(',')
  }

  test('is shown the same salt each time, of the usual length, and the usual iteration count', async () => {
    const [, salt, rounds, hash] = await serverFirst('nobody', 'SCRAM-SHA-256')
    expect((await serverFirst('NoBody', 'SCRAM-SHA-256')).slice(1)).toEqual([salt, rounds, hash])
    const known = await serverFirst('juliet', 'SCRAM-SHA-256')
    expect(salt?.length).toBe(known[1]?.length)
    expect([rounds, hash]).toEqual(known.slice(2))
  })

  test('has a salt of its own per name, mechanism and server', async () => {
    const salts = await Promise.all([
      serverFirst('nobody', 'SCRAM-SHA-256'),
      serverFirst('nobody2', 'SCRAM-SHA-256'),
      serverFirst('nobody', 'SCRAM-SHA-512'),
      serverFirst('nobody', 'SCRAM-SHA-256', 8),
    ])
    expect(new Set(salts.map(parts => parts[1])).size).toBe(4)
  })

  test('is refused with the same words', async () => {
    for (const mechanism of scramMechanisms) {
      const known = await failureOf(login(contextOf(accounts), mechanism, { password: 'wrong' }))
      const unknown = await failureOf(login(contextOf(accounts), mechanism, { username: 'nobody' }))
      expect([unknown.condition, unknown.message]).toEqual([known.condition, known.message])
    }
  })

  test('does not get in even if a proof fits the decoy', async () => {
    const mechanism = 'SCRAM-SHA-512'
    const store = new Accounts()
    store.states.set('nobody', 'active')
    const decoy = decoyKeys(Buffer.alloc(32, 7), { mechanism, iterations }, 'example.org', 'nobody')
    jest.spyOn(digest, 'hash').mockReturnValue(decoy.storedKey)
    const attempt = () => login(contextOf(store), mechanism, { username: 'nobody' })
    expect(await conditionOf(attempt())).toBe('not-authorized')
    // The same proof does let somebody in whose stored keys these are.
    store.keys.set('nobody', [decoy])
    expect((await attempt()).result.success.user).toBe('nobody')
    const plain = (user: string) => startExchange('PLAIN', contextOf(store)).step(Buffer.from(`\0${user}\0wrong`))
    await expect(plain('nobody')).resolves.toMatchObject({ success: { user: 'nobody' } })
    store.keys.clear()
    expect(await conditionOf(plain('nobody'))).toBe('not-authorized')
  })
})

test('no failure repeats what the client sent', async () => {
  const secret = 'Tr0ub4dor-secret'
  const messages = [`\0juliet\0${secret}`, `\0${secret}`, `n,,n=${secret},r=${secret}`, `${secret}\0${secret}`, secret]
  for (const mechanism of mechanismNames.filter(name => name !== 'ANONYMOUS')) {
    const changes = { certificateAddresses: ['juliet@example.org'], fast: { client: 'phone', earlyData: false } }
    for (const message of messages) {
      const exchange = startExchange(mechanism, contextOf(accounts, changes))
      const step = await exchange.step(Buffer.from(message)).catch((error: unknown) => error)
      const text = step instanceof Error ? `${step.message} ${step.stack} ${JSON.stringify(step)}` : ''
      expect(text).not.toContain(secret)
    }
  }
})
