import { describe, expect, test } from '@jest/globals'
import type { Store } from '../store.ts'
import { keysOf } from './accounts.ts'
import { fresh, freshHost } from './drivers.ts'

export function tokenSuite(use: () => Store): void {
  const later = () => Date.now() + 60_000
  const token = (fill: number, expires = later()) => ({
    mechanism: 'HT-SHA-256-NONE',
    secret: Buffer.alloc(24, fill),
    expires,
  })
  const account = async () => {
    const romeo = fresh('romeo')
    await use().accounts.create(romeo, [keysOf('SCRAM-SHA-256')])
    return romeo
  }
  const secretsOf = async (owner: string, client = 'phone') =>
    (await use().tokens.fast.valid(owner, client)).map(({ slot, secret }) => [slot, secret[0]])

  describe('FAST tokens (XEP-0484)', () => {
    test('a rotated token takes over when it is used, and both are good until then', async () => {
      const { fast } = use().tokens
      const romeo = await account()
      expect(await fast.issue(romeo, 'phone', token(1))).toBe(true)
      await fast.issue(romeo, 'phone', token(2))
      await fast.issue(romeo, 'phone', token(3))
      expect(await secretsOf(romeo)).toEqual([
        ['current', 1],
        ['next', 3],
      ])
      expect(await fast.used(romeo, 'phone', 'current')).toBe(true)
      expect(await fast.used(romeo, 'phone', 'next')).toBe(true)
      expect(await secretsOf(romeo)).toEqual([['current', 3]])
      expect(await fast.used(romeo, 'phone', 'next')).toBe(false)
      expect(await fast.issue(fresh('nobody'), 'phone', token(1))).toBe(false)
    })

    test('a count that is not larger than the last is a replay, also for many at once', async () => {
      const { fast } = use().tokens
      const romeo = await account()
      await fast.issue(romeo, 'phone', token(1))
      const results = await Promise.all([7, 7, 7].map(n => fast.used(romeo, 'phone', 'current', n)))
      expect(results.filter(Boolean)).toHaveLength(1)
      expect(await fast.used(romeo, 'phone', 'current', 6)).toBe(false)
      expect(await fast.used(romeo, 'phone', 'current', 8)).toBe(true)
      expect((await fast.valid(romeo, 'phone'))[0]?.counter).toBe(8)
    })

    test('tokens die with their time, the password, the account, or by revocation', async () => {
      const { tokens, accounts } = use()
      const romeo = await account()
      await tokens.fast.issue(romeo, 'old', token(1, Date.now() - 1))
      expect(await secretsOf(romeo, 'old')).toEqual([])
      for (const client of ['phone', 'desk', 'web']) await tokens.fast.issue(romeo, client, token(1))
      await tokens.fast.revoke(romeo, 'web')
      expect(await secretsOf(romeo, 'web')).toEqual([])
      await accounts.setDisabled(romeo, true)
      expect(await secretsOf(romeo)).toEqual([])
      await accounts.setDisabled(romeo, false)
      expect(await secretsOf(romeo)).toHaveLength(1)
      await accounts.setKeys(romeo, [keysOf('SCRAM-SHA-256', 3)])
      expect(await secretsOf(romeo)).toEqual([])
      await tokens.fast.issue(romeo, 'phone', token(4))
      expect(await secretsOf(romeo)).toEqual([['current', 4]])
      await tokens.fast.revoke(romeo)
      expect(await secretsOf(romeo)).toEqual([])
    })
  })

  describe('invites', () => {
    test('are used up, at once by no more than they allow', async () => {
      const { invites } = use().tokens
      const host = freshHost()
      const made = await invites.create(`token-${host}`, {
        owner: host,
        host,
        kind: 'account',
        expires: later(),
        uses: 2,
        data: { groups: ['a'] },
      })
      expect(await invites.peek(`token-${host}`)).toEqual(made)
      expect(await invites.list(host)).toEqual([made])
      expect(JSON.stringify(made)).not.toContain('token-')
      const taken = await Promise.all(Array.from({ length: 5 }, () => invites.consume(`token-${host}`)))
      expect(taken.filter(Boolean)).toHaveLength(2)
      expect(await invites.peek(`token-${host}`)).toBeUndefined()
      expect(await invites.list(host)).toEqual([])
      expect(await invites.consume('unknown')).toBeUndefined()
    })

    test('end with their time or by revocation', async () => {
      const { invites } = use().tokens
      const host = freshHost()
      const romeo = `romeo@${host}`
      await invites.create(`late-${host}`, { owner: romeo, host, kind: 'contact', expires: Date.now() - 1, uses: 1 })
      expect(await invites.consume(`late-${host}`)).toBeUndefined()
      const { id, subject } = await invites.create(`reset-${host}`, {
        owner: host,
        host,
        kind: 'reset',
        subject: romeo,
        expires: later(),
        uses: 1,
      })
      expect(subject).toBe(romeo)
      expect(await invites.revoke(id)).toBe(true)
      expect(await invites.revoke(id)).toBe(false)
      expect(await invites.consume(`reset-${host}`)).toBeUndefined()
    })
  })
}
