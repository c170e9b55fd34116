import { randomBytes } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { firstIdAt, idTime } from '../ids.ts'
import type { LogEntry, LogFilter, LogPage } from '../messages.ts'
import { sentAs } from '../origins.ts'
import { domainsOfWay, wayOwner } from '../owner.ts'
import type { Store } from '../store.ts'
import { fresh, freshHost } from './drivers.ts'

export const entry = (owner: string, changes: Partial<LogEntry> = {}): LogEntry => ({
  owner,
  peer: 'juliet@example.net',
  resource: 'balcony',
  type: 'chat',
  stanza: '<message/>',
  kept: true,
  owed: false,
  ...changes,
})

const bodies = (rows: readonly { stanza: string }[]) => rows.map(row => row.stanza)

export function messageSuite(use: () => Store): void {
  const fill = async (owner: string, count: number, changes: Partial<LogEntry> = {}) => {
    const ids = await Promise.all(
      Array.from({ length: count }, (_, n) => use().messages.append([entry(owner, { stanza: `${n}`, ...changes })])),
    )
    return ids.map(([id]) => id!)
  }

  describe('the log', () => {
    test('a row comes back as it went in, whatever its text', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const stanza = '<message><body>"q" \\n \\ {a,b} NULL \u{1F600} \u0085\ufeff \'; DROP</body></message>'
      const [id] = await messages.append([entry(owner, { stanza, originId: 'id "1" \\', type: 'groupchat' })])
      const row = entry(owner, { stanza, originId: 'id "1" \\', type: 'groupchat', id: id! })
      const { owed: _, ...stored } = row
      expect(await messages.byId(owner, id!)).toEqual(stored)
      const [bare] = await messages.append([{ owner, peer: 'a@x', type: 'chat', stanza: '', kept: true, owed: true }])
      expect(await messages.byId(owner, bare!)).toEqual({
        owner,
        id: bare,
        peer: 'a@x',
        type: 'chat',
        stanza: '',
        kept: true,
      })
    })

    test('rows keep the order of the calls', async () => {
      const owner = fresh('romeo')
      const ids = await fill(owner, 700)
      expect(ids).toEqual([...ids].sort((a, b) => (a < b ? -1 : 1)))
      const rows = await use().messages.page(owner, { limit: 1000 })
      expect(bodies(rows)).toEqual(Array.from({ length: 700 }, (_, n) => `${n}`))
    })

    test('a row that cannot be stored is refused alone', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      // Longer than an index entry may be, and not compressible.
      const long = randomBytes(3000).toString('hex')
      const rows = [{ stanza: 'a' }, { stanza: 'b\0' }, { stanza: 'c' }, { stanza: 'd', owner: long }, { stanza: 'e' }]
      const results = await Promise.allSettled(rows.map(row => messages.append([entry(owner, row)])))
      expect(results.map(result => result.status === 'fulfilled')).toEqual([true, false, true, false, true])
      expect(bodies(await messages.page(owner, { limit: 10 }))).toEqual(['a', 'c', 'e'])
      expect(messages.pressure).toBe(0)
    })

    test('the same row twice is one row', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const id = messages.nextId()
      await Promise.all([
        messages.append([entry(owner, { id, stanza: 'first' })]),
        messages.append([entry(owner, { id, stanza: 'second' })]),
      ])
      await messages.append([entry(owner, { id, stanza: 'third' })])
      expect(bodies(await messages.page(owner, { limit: 10 }))).toEqual(['first'])
    })

    test('a full queue says so: pressure rises, appends are refused, then all is well again', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const many = Array.from({ length: 1000 }, () => entry(owner))
      const accepted = Array.from({ length: 20 }, () => messages.append(many))
      expect(messages.pressure).toBe(20)
      await expect(messages.append([entry(owner)])).rejects.toMatchObject({ code: 'busy' })
      await messages.relieved()
      expect(messages.pressure).toBeLessThan(0.5)
      await Promise.all(accepted)
      expect(await messages.count(owner, {}, 50_000)).toBe(20_000)
    })
  })

  describe('paging (XEP-0313)', () => {
    test.each<[string, (ids: bigint[]) => LogPage, string[]]>([
      ['the first rows', () => ({ limit: 3 }), ['0', '1', '2']],
      ['the last rows, oldest first', () => ({ limit: 3, backwards: true }), ['7', '8', '9']],
      ['after an id', ids => ({ limit: 2, afterId: ids[4]! }), ['5', '6']],
      ['before an id', ids => ({ limit: 2, beforeId: ids[4]!, backwards: true }), ['2', '3']],
      ['between ids', ids => ({ limit: 9, afterId: ids[2]!, beforeId: ids[5]! }), ['3', '4']],
      ['given ids', ids => ({ limit: 9, ids: [ids[8]!, ids[1]!, 1n] }), ['1', '8']],
      ['none', () => ({ limit: 0 }), []],
    ])('%s', async (_, query, expected) => {
      const owner = fresh('romeo')
      const ids = await fill(owner, 10)
      expect(bodies(await use().messages.page(owner, query(ids)))).toEqual(expected)
    })

    test('by the other side, bare or full, with or without group chat', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      await messages.append([
        entry(owner, { stanza: '1' }),
        entry(owner, { stanza: '2', resource: 'garden' }),
        entry(owner, { stanza: '3', peer: 'room@conference.x', resource: 'nick', type: 'groupchat' }),
        entry(fresh('other'), { stanza: '4' }),
      ])
      const page = async (filter: Omit<LogPage, 'limit'>) => bodies(await messages.page(owner, { ...filter, limit: 9 }))
      expect(await page({ with: { peer: 'juliet@example.net' } })).toEqual(['1', '2'])
      expect(await page({ with: { peer: 'juliet@example.net', resource: 'garden' } })).toEqual(['2'])
      expect(await page({ groupchat: false })).toEqual(['1', '2'])
      expect(await page({ with: { peer: 'room@conference.x' }, groupchat: false })).toEqual([])
      expect(await messages.count(owner, { with: { peer: 'juliet@example.net' } })).toBe(2)
      expect(await messages.count(owner, {}, 1)).toBe(1)
    })

    test('by time, both ends included', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const at = Date.UTC(2024, 1, 29, 12)
      const rows = [-1, 0, 1, 2].map(ms => entry(owner, { id: firstIdAt(at + ms) + 77n, stanza: `${ms}` }))
      await messages.append(rows)
      expect(bodies(await messages.page(owner, { start: at, end: at + 1, limit: 9 }))).toEqual(['0', '1'])
      expect(bodies(await messages.page(owner, { start: at, afterId: rows[1]!.id!, limit: 9 }))).toEqual(['1', '2'])
      expect(await messages.count(owner, { end: at - 1 })).toBe(1)
      expect(idTime((await messages.bounds(owner))!.first)).toBe(at - 1)
    })

    test('only kept rows are an archive', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      expect(await messages.bounds(owner)).toBeUndefined()
      const [first, , last] = await messages.append([
        entry(owner, { stanza: 'a', originId: 'o' }),
        entry(owner, { stanza: 'b', kept: false, owed: true, originId: 'o' }),
        entry(owner, { stanza: 'c' }),
      ])
      expect(bodies(await messages.page(owner, { limit: 9 }))).toEqual(['a', 'c'])
      expect(await messages.bounds(owner)).toEqual({ first, last })
      expect((await messages.byOriginId(owner, 'juliet@example.net', 'o'))?.id).toBe(first)
      expect(await messages.byOriginId(owner, 'juliet@example.net', 'unknown')).toBeUndefined()
    })

    test('rows are found by the id that their sender gave them, owed ones where they are asked for', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const [old, , owed] = await messages.append([
        entry(owner, { stanza: 'old', originId: 'o' }),
        entry(owner, { stanza: 'other', originId: 'p' }),
        entry(owner, { stanza: 'owed', originId: 'o', kept: false, owed: true }),
        entry(owner, { stanza: 'of another', originId: 'o', peer: 'nurse@example.net' }),
      ])
      await fill(owner, 600)
      const found = (peer: string) => messages.allByOriginId(owner, peer, 'o')
      expect((await found('juliet@example.net')).map(({ id }) => id)).toEqual([owed, old])
      expect(bodies(await found('nurse@example.net'))).toEqual(['of another'])
      expect(await found('nobody@example.net')).toEqual([])
      expect((await messages.byOriginId(owner, 'juliet@example.net', 'o'))?.id).toBe(old)
    })

    test('a message is found by its id and by its origin-id, and by no part of either', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const [both] = await messages.append([
        entry(owner, { stanza: 'both', originId: sentAs('m1', 'o1')! }),
        entry(owner, { stanza: 'neither' }),
      ])
      const found = async (id: string) =>
        (await messages.allByOriginId(owner, 'juliet@example.net', id)).map(row => row.id)
      for (const id of ['m1', 'o1']) {
        expect(await found(id)).toEqual([both])
        expect((await messages.byOriginId(owner, 'juliet@example.net', id))?.id).toBe(both)
      }
      for (const id of ['m', '1', '', '%']) expect(await found(id)).toEqual([])
    })

    test('parts of an archive are read at once, as far as a filter goes', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const ids = await fill(owner, 9)
      await messages.append([entry(owner, { stanza: 'not kept', kept: false, owed: true })])
      const [other] = await messages.append([entry(owner, { stanza: 'other', peer: 'nurse@example.net' })])
      const spans = [
        { after: ids[5]!, upto: other! },
        { after: -1n, upto: ids[1]! },
        { after: ids[3]!, upto: ids[4]! },
      ]
      const found = async (filter: LogFilter) => bodies(await messages.inSpans(owner, spans, filter))
      expect(await found({})).toEqual(['0', '1', '4', '6', '7', '8', 'other'])
      expect(await found({ with: { peer: 'juliet@example.net' }, afterId: ids[0]!, beforeId: ids[8]! })).toEqual([
        '1',
        '4',
        '6',
        '7',
      ])
      expect(await messages.inSpans(owner, [], {})).toEqual([])
      expect(await messages.inSpans(fresh('juliet'), spans, {})).toEqual([])
    })

    test('a row can be replaced and removed', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const ids = await fill(owner, 3, { owed: true })
      expect(await messages.replace(owner, ids[1]!, 'tombstone')).toBe(true)
      expect(await messages.replace(fresh('other'), ids[1]!, 'x')).toBe(false)
      expect(await messages.remove(owner, [ids[0]!, 5n])).toBe(1)
      expect(bodies(await messages.page(owner, { limit: 9 }))).toEqual(['tombstone', '2'])
      expect(await messages.owedCount(owner)).toBe(2)
    })
  })

  describe('owed rows', () => {
    test('are a cursor over what no session has taken', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const ids = await fill(owner, 5, { owed: true })
      expect(bodies(await messages.owedFor(owner, 2))).toEqual(['0', '1'])
      expect(bodies(await messages.owedFor(owner, 9, ids[1]!))).toEqual(['2', '3', '4'])
      messages.clearOwed(owner, [ids[2]!])
      messages.clearOwedUpTo(owner, ids[0]!)
      await messages.flush()
      expect(bodies(await messages.owedFor(owner, 9))).toEqual(['1', '3', '4'])
      expect(await messages.owedCount(owner)).toBe(3)
      expect(await messages.count(owner, {})).toBe(5)
    })

    test('of ways between domains are found by their age; nothing that looks for others meets them', async () => {
      const { messages } = use()
      const [host, other] = [freshHost(), freshHost()]
      const way = wayOwner(host, other)
      const [id] = await messages.append([entry(way, { kept: false, owed: true })])
      await messages.append([entry(`0romeo@${host}`, { owed: true }), entry(`-romeo@${host}`, { owed: true })])
      const [late] = await messages.append([entry(wayOwner(host, host), { kept: false, owed: true })])
      const ours = async (before: number) => (await messages.owedWays(before)).filter(owner => owner.includes(host))
      expect(await ours(Number.POSITIVE_INFINITY)).toEqual([way, wayOwner(host, host)].sort())
      expect(await ours(idTime(id!))).toEqual([])
      expect(domainsOfWay(way)).toEqual({ from: host, to: other })
      expect(await messages.trim({ host }, idTime(late!) + 1)).toBe(0)
      expect(await messages.count(way, {})).toBe(0)
      messages.clearOwed(way, [id!])
      await messages.flush()
      expect(await ours(Number.POSITIVE_INFINITY)).toEqual([wayOwner(host, host)])
      expect(await messages.byId(way, id!)).toBeUndefined()
    })

    test('go altogether when taken, unless they are kept', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const other = fresh('other')
      const [kept, passing, later] = await messages.append([
        entry(owner, { owed: true }),
        entry(owner, { owed: true, kept: false }),
        entry(owner, { owed: true, kept: false }),
      ])
      await messages.append([entry(other, { id: passing!, owed: true, kept: false })])
      messages.clearOwed(owner, [kept!, passing!])
      messages.clearOwedUpTo(owner, later!)
      await messages.flush()
      expect(await messages.byId(owner, kept!)).toBeDefined()
      expect(await messages.byId(owner, passing!)).toBeUndefined()
      expect(await messages.byId(owner, later!)).toBeUndefined()
      expect(await messages.byId(other, passing!)).toBeDefined()
      expect(await messages.owedCount(other)).toBe(1)
    })

    test('are forgotten by the archive, and stay until they are taken', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const [first, last] = await messages.append([
        entry(owner, { stanza: 'a' }),
        entry(owner, { stanza: 'b', owed: true }),
      ])
      const [later] = await messages.append([entry(owner, { stanza: 'c' })])
      await messages.append([entry(fresh('other'), { id: first!, stanza: 'd' })])
      expect(await messages.forget(owner, last!)).toBe(1)
      expect(bodies(await messages.page(owner, { limit: 9 }))).toEqual(['c'])
      expect(await messages.bounds(owner)).toEqual({ first: later, last: later })
      expect(bodies(await messages.owedFor(owner, 9))).toEqual(['b'])
      messages.clearOwed(owner, [last!])
      await messages.flush()
      expect(await messages.byId(owner, last!)).toBeUndefined()
    })

    test('are never trimmed', async () => {
      const { messages } = use()
      const host = freshHost()
      const at = Date.UTC(2023, 5, 1)
      const old = (owner: string, sequence: bigint, owed: boolean) =>
        entry(owner, { id: firstIdAt(at) + sequence, owed })
      await messages.append([
        old(`a@${host}`, 1n, false),
        old(`a@${host}`, 2n, true),
        old(`b@${host}`, 3n, false),
        old(host, 4n, false),
      ])
      await messages.append([old(`a@sub.${host}`, 5n, false), entry(`a@${host}`)])
      expect(await messages.trim({ owner: `b@${host}` }, at)).toBe(0)
      expect(await messages.trim({ owner: `b@${host}` }, at + 1)).toBe(1)
      expect(await messages.trim({ host, except: [`a@${host}`] }, at + 1)).toBe(1)
      expect(await messages.trim({ host }, at + 1)).toBe(1)
      expect(await messages.count(`a@${host}`, {})).toBe(2)
      expect(await messages.count(`a@sub.${host}`, {})).toBe(1)
    })
  })
}
