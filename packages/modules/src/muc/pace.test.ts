import { expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Body, Message } from '@parley/stanza'
import { el } from '@parley/xml'
import { systemClock, Transit } from '@xmpp/server-core'
import { configOf } from './config.ts'
import type { Open } from './keeper.ts'
import { type LatelySpoken, Pace } from './pace.ts'
import { Room } from './room.ts'
import { Sayings } from './sayings.ts'

const outside = { send: () => {}, hand: () => {}, seated: () => {}, stood: () => {}, away: () => {} }
const said = new Message({ type: 'groupchat', id: 'boo' }, Body.of([el('body', 'jabber:client', null, 'Boo')]))
const by = (k: number) => new Transit(undefined, 0, { sid: 's', account: 'hag@a.test', epoch: 1, k })

function slowRoom(spoken: LatelySpoken = new Map()) {
  const room = new Room(Jid.parse('coven@rooms.test'), configOf({ slowMode: 60 }), [], outside)
  const hag = room.newcomer('hag', Jid.parse('hag@a.test'), 'id of hag')
  const open: Open = { room, earlier: [], newest: 0n, sayings: new Sayings(), spoken }
  return { open, hag }
}

test('a line that is sent again after a resumption is not too early for itself', () => {
  const { open, hag } = slowRoom()
  const pace = new Pace(systemClock)
  pace.keep(open, hag, said, by(7))
  expect(() => pace.keep(open, hag, said, by(7))).not.toThrow()
  expect(() => pace.keep(open, hag, said, by(8))).toThrow('Slow mode')
})

test('a line that the node before has kept is not too early for itself, and for others it is', () => {
  const { open, hag } = slowRoom(new Map([['id of hag', { at: Date.now() - 1000, id: 'boo' }]]))
  const pace = new Pace(systemClock)
  expect(() => pace.keep(open, hag, said.with({ id: 'other' }), by(8))).toThrow('Slow mode')
  expect(() => pace.keep(open, hag, said, by(7))).not.toThrow()
  // Once.
  expect(() => pace.keep(open, hag, said, by(9))).toThrow('Slow mode')
})
