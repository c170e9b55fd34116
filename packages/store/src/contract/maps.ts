import { describe, expect, test } from '@jest/globals'
import type { Json } from '../maps.ts'
import type { Store } from '../store.ts'
import { fresh, freshHost } from './drivers.ts'

export function mapSuite(use: () => Store): void {
  describe('maps', () => {
    test.each<Json>([
      '<vCard xmlns="vcard-temp"/>',
      '',
      0,
      false,
      null,
      [1, 'a', null],
      { a: { b: ['ü'] }, '"': '\\' },
    ])('keep %j as it is', async value => {
      const map = use().maps.map<Json>('values')
      const owner = fresh('romeo')
      await map.set(owner, 'key', 'before')
      await map.set(owner, 'key', value)
      expect(await map.get(owner, 'key')).toEqual(value)
      expect(await map.delete(owner, 'key')).toBe(true)
      expect(await map.delete(owner, 'key')).toBe(false)
      expect(await map.get(owner, 'key')).toBeUndefined()
    })

    test('are separate by owner and by name, and found by prefix', async () => {
      const map = use().maps.map<number>('nodes')
      const owner = fresh('romeo')
      for (const [n, key] of ['b\n2', 'a\n1', 'b\n1', 'b', 'c', 'b\u{10FFFF}'].entries()) await map.set(owner, key, n)
      await map.set(fresh('other'), 'b\n3', 9)
      await use().maps.map<number>('others').set(owner, 'b\n4', 9)
      expect(await map.keys(owner)).toEqual(['a\n1', 'b', 'b\n1', 'b\n2', 'b\u{10FFFF}', 'c'])
      expect(await map.all(owner, 'b\n')).toEqual(
        new Map([
          ['b\n1', 2],
          ['b\n2', 0],
        ]),
      )
      expect(await map.clear(owner, 'b\n')).toBe(2)
      expect(await map.keys(owner, 'b')).toEqual(['b', 'b\u{10FFFF}'])
      expect(await map.clear(owner)).toBe(4)
    })

    test('are changed in one step, by as many as like', async () => {
      const map = use().maps.map<number>('counters')
      const owner = fresh('romeo')
      await Promise.all(Array.from({ length: 20 }, () => map.update(owner, 'n', old => (old ?? 0) + 1)))
      expect(await map.get(owner, 'n')).toBe(20)
      expect(await map.update(owner, 'n', () => undefined)).toBeUndefined()
      expect(await map.keys(owner)).toEqual([])
    })

    test('upgrade old values when they are read', async () => {
      const owner = fresh('romeo')
      await use().maps.map<string>('prefs').set(owner, 'old', 'always')
      const map = use().maps.map('prefs', 2, (value, version) => ({ mode: value as string, version }))
      await map.set(owner, 'new', { mode: 'never', version: 2 })
      expect(await map.all(owner)).toEqual(
        new Map([
          ['new', { mode: 'never', version: 2 }],
          ['old', { mode: 'always', version: 1 }],
        ]),
      )
    })

    test('tell which owners of a host have a key', async () => {
      const map = use().maps.map<true>('flags')
      const host = freshHost()
      for (const owner of [`b@${host}`, `a@${host}`, host, `a@sub.${host}`]) await map.set(owner, 'on', true)
      expect(await map.owners(host, 'on')).toEqual([host, `a@${host}`, `b@${host}`].sort())
      expect(await map.owners(host, 'off')).toEqual([])
    })
  })

  describe('secrets', () => {
    test('are made once, also by many at once, and stay', async () => {
      const { secrets } = use()
      const name = fresh('secret')
      const all = await Promise.all(Array.from({ length: 8 }, () => secrets.secret(name, 20)))
      expect(new Set(all.map(secret => secret.toString('hex'))).size).toBe(1)
      expect(all[0]).toHaveLength(20)
      expect(await secrets.secret(name, 32)).toEqual(all[0])
      expect(await secrets.secret(fresh('secret'), 20)).not.toEqual(all[0])
    })

    test('of a day are the same for everybody, and forgotten two days later, with nothing else', async () => {
      const { secrets } = use()
      const name = fresh('daily')
      const others = [await secrets.secret(name), await secrets.secret(`${name}s 2026-01-01`)]
      const first = await secrets.daily(name, '2026-02-28')
      expect(await secrets.daily(name, '2026-02-28')).toEqual(first)
      expect(await secrets.daily(name, '2026-03-01')).not.toEqual(first)
      expect(await secrets.daily(name, '2026-02-28')).toEqual(first)
      await secrets.daily(name, '2026-03-02')
      expect(await secrets.daily(name, '2026-02-28')).not.toEqual(first)
      expect([await secrets.secret(name), await secrets.secret(`${name}s 2026-01-01`)]).toEqual(others)
    })
  })

  describe('groups', () => {
    test('have members, on their host', async () => {
      const { groups } = use()
      const host = freshHost()
      const team = { host, name: 'team', display: 'The team', sharedRoster: false }
      await groups.put(team)
      await groups.put({ ...team, display: 'Team', sharedRoster: true })
      await groups.put({ ...team, name: 'board' })
      expect((await groups.list(host)).map(({ name }) => name)).toEqual(['board', 'team'])
      expect(await groups.get(host, 'team')).toEqual({ ...team, display: 'Team', sharedRoster: true })
      expect(await groups.addMember(host, 'team', `b@${host}`)).toBe(true)
      expect(await groups.addMember(host, 'team', `a@${host}`)).toBe(true)
      expect(await groups.addMember(host, 'team', `a@${host}`)).toBe(true)
      expect(await groups.addMember(host, 'nothing', `a@${host}`)).toBe(false)
      expect(await groups.membersOf(host, 'team')).toEqual([`a@${host}`, `b@${host}`])
      expect((await groups.groupsOf(`a@${host}`)).map(({ name }) => name)).toEqual(['team'])
      expect(await groups.removeMember(host, 'team', `b@${host}`)).toBe(true)
      expect(await groups.removeMember(host, 'team', `b@${host}`)).toBe(false)
      expect(await groups.delete(host, 'team')).toBe(true)
      expect(await groups.delete(host, 'team')).toBe(false)
      expect(await groups.groupsOf(`a@${host}`)).toEqual([])
    })
  })
}
