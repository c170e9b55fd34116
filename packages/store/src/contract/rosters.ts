import { describe, expect, test } from '@jest/globals'
import type { RosterItem } from '../rosters.ts'
import type { Store } from '../store.ts'
import { fresh } from './drivers.ts'

const contact = (jid: string, changes: Partial<RosterItem> = {}): RosterItem => ({
  contact: jid,
  listed: true,
  groups: [],
  subscription: 'none',
  ask: false,
  approved: false,
  ...changes,
})

export function rosterSuite(use: () => Store): void {
  describe('rosters', () => {
    test('an item comes back as it was put, with odd names, groups and a pending request', async () => {
      const { rosters } = use()
      const owner = fresh('romeo')
      const item = contact('juliet@example.net', {
        name: 'Юлия "J" \\ {}',
        groups: ['Friends, old', 'NULL', '', '{a,"b"}'],
        subscription: 'to',
        ask: true,
        pendingIn: '<presence type="subscribe"/>',
        approved: true,
      })
      await rosters.put(owner, item)
      expect(await rosters.get(owner, item.contact)).toEqual(item)
      expect((await rosters.load(owner)).items).toEqual([item])
      expect(await rosters.get(owner, 'other@example.net')).toBeUndefined()
    })

    test('each change makes a new version, and what changed since an old one is told in order (RFC 6121 §2.6.3)', async () => {
      const { rosters } = use()
      const owner = fresh('romeo')
      const first = await rosters.put(owner, contact('a@x'))
      const second = await rosters.put(owner, contact('b@x'))
      const third = await rosters.put(owner, contact('a@x', { name: 'A' }))
      const fourth = await rosters.remove(owner, 'b@x')
      expect(new Set([first, second, third, fourth]).size).toBe(4)
      expect(await rosters.since(owner, first)).toEqual({
        version: fourth,
        items: [contact('a@x', { name: 'A' })],
        removed: ['b@x'],
      })
      expect(await rosters.since(owner, third)).toEqual({ version: fourth, items: [], removed: ['b@x'] })
      expect(await rosters.since(owner, String(fourth))).toEqual({ version: fourth, items: [], removed: [] })
      await rosters.put(owner, contact('b@x'))
      expect((await rosters.since(owner, third))?.removed).toEqual([])
    })

    test.each(['', '0', '1', '-1', 'abc', '9007199254740991', '1e3', '99999999999999999999', "1'; --"])(
      'the whole roster is wanted where a client shows the version %j',
      async version => {
        const { rosters } = use()
        const owner = fresh('romeo')
        expect(await rosters.since(owner, version)).toBeUndefined()
        await rosters.put(owner, contact('a@x'))
        expect(await rosters.since(owner, version)).toBeUndefined()
      },
    )

    test('removing what is not there changes nothing', async () => {
      const { rosters } = use()
      const owner = fresh('romeo')
      const version = await rosters.put(owner, contact('a@x'))
      expect(await rosters.remove(owner, 'b@x')).toBeUndefined()
      await rosters.remove(owner, 'a@x')
      expect(await rosters.remove(owner, 'a@x')).toBeUndefined()
      expect((await rosters.since(owner, version))?.removed).toEqual(['a@x'])
      expect((await rosters.load(fresh('nobody'))).items).toEqual([])
    })

    test('the cap refuses a new contact and lets known ones change', async () => {
      const { rosters } = use()
      const owner = fresh('romeo')
      await rosters.put(owner, contact('a@x'), 2)
      const version = await rosters.put(owner, contact('b@x'), 2)
      await expect(rosters.put(owner, contact('c@x'), 2)).rejects.toMatchObject({ code: 'full' })
      expect((await rosters.load(owner)).version).toBe(version)
      await rosters.put(owner, contact('b@x', { subscription: 'both' }), 2)
      await rosters.remove(owner, 'a@x')
      await rosters.put(owner, contact('c@x'), 2)
      expect((await rosters.load(owner)).items).toHaveLength(2)
    })

    test('who has not seen the last change cannot overwrite it', async () => {
      const { rosters } = use()
      const owner = fresh('romeo')
      const first = await rosters.put(owner, contact('a@x'), undefined, '0')
      await expect(rosters.put(owner, contact('b@x'), undefined, '0')).rejects.toMatchObject({ code: 'changed' })
      const second = await rosters.put(owner, contact('a@x', { name: 'A' }), undefined, first)
      await expect(rosters.put(owner, contact('a@x'), undefined, first)).rejects.toMatchObject({ code: 'changed' })
      await expect(rosters.remove(owner, 'a@x', first)).rejects.toMatchObject({ code: 'changed' })
      expect((await rosters.load(owner)).items).toEqual([contact('a@x', { name: 'A' })])
      expect(await rosters.remove(owner, 'b@x', second)).toBeUndefined()
      expect(await rosters.remove(owner, 'a@x', second)).toBeDefined()
    })

    test('of two who change the same version at the same time one has to look again', async () => {
      const { rosters } = use()
      const owner = fresh('romeo')
      const seen = await rosters.put(owner, contact('a@x'))
      const results = await Promise.allSettled(
        ['b@x', 'c@x'].map(jid => rosters.put(owner, contact(jid), undefined, seen)),
      )
      expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    })

    test('changes of one roster at the same time all get versions of their own', async () => {
      const { rosters } = use()
      const owner = fresh('romeo')
      const versions = await Promise.all(Array.from({ length: 20 }, (_, n) => rosters.put(owner, contact(`${n}@x`))))
      expect(new Set(versions).size).toBe(20)
    })
  })
}
