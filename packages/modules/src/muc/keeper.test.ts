import { afterAll, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import type { Store } from '@parley/store'
import { closeStore, emptyStore } from '@parley/testkit'
import { systemClock } from '@xmpp/server-core'
import { Keeper, type KeeperParts, type StoredAffiliation, type StoredChange, type StoredRoom } from './keeper.ts'

afterAll(closeStore)

const ROOM = Jid.parse('coven@conference.a.test')
const OWNER = Jid.parse('romeo@a.test')
const MEMBER = Jid.parse('juliet@a.test')

function partsOf(store: Store): KeeperParts {
  return {
    rooms: store.maps.map<StoredRoom>('rooms'),
    affiliations: store.maps.map<StoredAffiliation>('affiliations'),
    changes: store.maps.map<StoredChange>('changes'),
    hats: store.maps.map('hats'),
    wearers: store.maps.map('wearers'),
    messages: store.messages,
    clock: systemClock,
    lastSeen: { forget: async () => {}, written: async () => {} },
    outside: { send: () => {}, hand: () => {}, seated: () => {}, stood: () => {}, away: () => {} },
    erase: async () => {},
  }
}

test('who opens a room later knows what has changed in it, in order', async () => {
  const store = await emptyStore(() => 1_767_225_600_000)
  const parts = partsOf(store)
  const { room } = await new Keeper(parts).create(ROOM, OWNER, {})
  const first = room.journal.version
  const keeper = new Keeper(parts)
  const open = await keeper.find(ROOM)
  expect(open?.room.journal.version).toBe(first)
  for (const affiliation of ['member', 'admin'] as const) {
    await keeper.affiliate(open!.room, MEMBER, { affiliation })
    open!.room.affiliations.set(MEMBER.text, { affiliation })
  }

  const again = (await new Keeper(parts).find(ROOM))!.room
  expect(again.affiliationOf(MEMBER)).toBe('admin')
  expect(again.journal.behind(first)?.map(({ account, before }) => [account, before])).toEqual([
    [MEMBER.text, 'none'],
    [MEMBER.text, 'member'],
  ])
  expect(again.journal.version).toBe(open!.room.journal.version)
  expect(again.journal.take(MEMBER.text)).toBeUndefined()
})

test('changes of long ago are forgotten, in memory and in the store', async () => {
  const store = await emptyStore(() => 1_767_225_600_000)
  const keeper = new Keeper(partsOf(store))
  const { room } = await keeper.create(ROOM, OWNER, {})
  const first = room.journal.version
  for (let n = 0; n < 205; n++) await keeper.affiliate(room, Jid.parse(`guest${n}@a.test`), { affiliation: 'member' })
  expect(room.journal.behind(first)).toBeUndefined()
  expect(await store.maps.map('changes').keys(ROOM.text)).toHaveLength(200)
})
