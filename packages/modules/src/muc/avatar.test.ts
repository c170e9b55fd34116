import { expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { NS } from '@parley/stanza'
import type { OwnedMap } from '@parley/store'
import { el } from '@parley/xml'
import { Cards, type StoredCard } from './avatar.ts'
import { configOf } from './config.ts'
import { Room } from './room.ts'

test('who asks for the avatar while an owner sets another one does not bring the old one back', async () => {
  const room = new Room(Jid.parse('coven@conference.a.test'), configOf(), [], {
    send: () => {},
    hand: () => {},
    seated: () => {},
    stood: () => {},
    away: () => {},
  })
  const old: StoredCard = { xml: '<vCard xmlns="vcard-temp"/>', hashes: ['old'] }
  let arrive = (_: StoredCard) => {}
  const late = new Promise<StoredCard>(resolve => {
    arrive = resolve
  })
  const reads = [late, Promise.resolve(old)]
  const stored = { get: () => reads.shift(), set: async () => {} } as unknown as OwnedMap<StoredCard>
  const cards = new Cards(stored, 1000)
  const asked = cards.hashes(room)
  const photo = el(
    'PHOTO',
    NS.vcard,
    null,
    el('TYPE', NS.vcard, null, 'image/png'),
    el('BINVAL', NS.vcard, null, 'AAAA'),
  )
  expect(await cards.write(room, el('vCard', NS.vcard, null, photo))).toBe(true)
  arrive(old)
  await asked
  expect(await cards.hashes(room)).not.toEqual(['old'])
})
