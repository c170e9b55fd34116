import { expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { configOf } from './config.ts'
import type { Seat } from './occupant.ts'
import { Room } from './room.ts'
import { noteOf, restore } from './succession.ts'

const outside = { send: () => {}, hand: () => {}, seated: () => {}, stood: () => {}, away: () => {} }
const newRoom = () => new Room(Jid.parse('coven@rooms.test'), configOf({ moderated: true }), [], outside)

test.each([true, false])('a successor knows who has asked for versions of the lists: %s', counts => {
  const room = newRoom()
  const jid = Jid.parse('hag@a.test/broom')
  const hag = room.newcomer('second witch', jid.bare, 'id', 'participant')
  const seat: Seat = { jid, state: [], counts }
  const notes = new Map([[jid.text, noteOf(hag, seat)]])

  const again = newRoom()
  restore(again, notes, new Set([jid.text]), () => 'id')
  const restored = again.byReal(jid)
  expect([restored?.nick, restored?.role]).toEqual(['second witch', 'participant'])
  expect(restored?.seats.get(jid.text)?.counts).toBe(counts)
})
