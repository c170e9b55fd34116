import { describe, expect, test } from '@jest/globals'
import type { StoredKeys } from '../accounts.ts'
import type { Store } from '../store.ts'
import { fresh, freshHost } from './drivers.ts'

export const keysOf = (mechanism: string, fill = 1): StoredKeys => ({
  mechanism,
  salt: Buffer.alloc(16, fill),
  iterations: 4096,
  storedKey: Buffer.alloc(32, fill + 1),
  serverKey: Buffer.alloc(32, fill + 2),
})

export function accountSuite(use: () => Store): void {
  describe('accounts', () => {
    test('an account has the keys it was made with, mechanism by mechanism', async () => {
      const { accounts } = use()
      const romeo = fresh('romeo')
      const made = await accounts.create(romeo, [keysOf('SCRAM-SHA-256'), keysOf('SCRAM-SHA-1', 7)])
      expect(made).toMatchObject({ jid: romeo, disabled: false, generation: 1 })
      expect(await accounts.get(romeo)).toEqual(made)
      expect(await accounts.keys(romeo, 'SCRAM-SHA-1')).toEqual(keysOf('SCRAM-SHA-1', 7))
      expect(await accounts.keys(romeo, 'SCRAM-SHA-512')).toBeUndefined()
      expect((await accounts.allKeys(romeo)).map(({ mechanism }) => mechanism)).toContain('SCRAM-SHA-1')
      expect(await accounts.allKeys('nobody@a.test')).toEqual([])
      expect(await accounts.mechanisms(romeo)).toEqual(['SCRAM-SHA-1', 'SCRAM-SHA-256'])
      expect(await accounts.get(fresh('nobody'))).toBeUndefined()
    })

    test('of two that create the same name at once exactly one succeeds', async () => {
      const { accounts } = use()
      const romeo = fresh('romeo')
      const results = await Promise.allSettled(
        [1, 2, 3, 4].map(fill => accounts.create(romeo, [keysOf('SCRAM-SHA-1', fill)])),
      )
      const refused = results.filter(result => result.status === 'rejected')
      expect(refused.map(result => result.reason)).toEqual(
        Array(3).fill(expect.objectContaining({ code: 'account-exists' })),
      )
    })

    test('a new password replaces all keys and counts the generation up; an upgrade adds and changes nothing', async () => {
      const { accounts } = use()
      const romeo = fresh('romeo')
      await accounts.create(romeo, [keysOf('SCRAM-SHA-1'), keysOf('SCRAM-SHA-512')])
      expect(await accounts.setKeys(romeo, [keysOf('SCRAM-SHA-256', 5)])).toBe(true)
      await accounts.addKeys(romeo, [keysOf('SCRAM-SHA-256', 9), keysOf('SCRAM-SHA-512', 9)])
      expect(await accounts.mechanisms(romeo)).toEqual(['SCRAM-SHA-256', 'SCRAM-SHA-512'])
      expect(await accounts.keys(romeo, 'SCRAM-SHA-256')).toEqual(keysOf('SCRAM-SHA-256', 5))
      expect((await accounts.get(romeo))?.generation).toBe(2)
      expect(await accounts.setKeys(fresh('nobody'), [keysOf('SCRAM-SHA-1')])).toBe(false)
    })

    test('accounts are listed by name, page by page, per host', async () => {
      const { accounts } = use()
      const host = freshHost()
      for (const name of ['c', 'a', 'B', 'd']) await accounts.create(`${name}@${host}`, [])
      await accounts.create(`a@sub.${host}`, [])
      const first = await accounts.list(host, { limit: 3 })
      expect(first.map(({ jid }) => jid)).toEqual([`B@${host}`, `a@${host}`, `c@${host}`])
      const rest = await accounts.list(host, { after: first[2]!.jid })
      expect(rest.map(({ jid }) => jid)).toEqual([`d@${host}`])
      expect(await accounts.count(host)).toBe(4)
    })

    test('disabling, logins and the last activity are remembered', async () => {
      const { accounts } = use()
      const romeo = fresh('romeo')
      await accounts.create(romeo, [])
      expect(await accounts.lastActivity(romeo)).toBeUndefined()
      await accounts.setLastActivity(romeo, { at: 1_700_000_000_123, status: 'Exit, pursued' })
      await accounts.loggedIn(romeo)
      expect(await accounts.setDisabled(romeo, true)).toBe(true)
      expect(await accounts.lastActivity(romeo)).toEqual({ at: 1_700_000_000_123, status: 'Exit, pursued' })
      expect(await accounts.get(romeo)).toMatchObject({ disabled: true, lastLogin: expect.any(Number) })
      expect(await accounts.setDisabled(fresh('nobody'), true)).toBe(false)
    })
  })
}
