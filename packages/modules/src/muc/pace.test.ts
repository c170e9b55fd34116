import { expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Body, Message } from '@parley/stanza'
import { el } from '@parley/xml'
import { systemClock, Transit } from '@xmpp/server-core'
import { configOf } from './config.ts'
import { Pace } from './pace.ts'
import { Room } from './room.ts'

const outside = { send: () => {}, hand: () => {}, seated: () => {}, stood: () => {}, away: () => {} }

test('a line that is sent again after a resumption is not too early for itself', () => {
  const room = new Room(Jid.parse('coven@rooms.test'), configOf({ slowMode: 60 }), [], outside)
  const said = new Message({ type: 'groupchat' }, Body.of([el('body', 'jabber:client', null, 'Boo')]))
  const from = Jid.parse('hag@a.test/broom')
  const by = (k: number) => new Transit(undefined, 0, { sid: 's', account: 'hag@a.test', epoch: 1, k })
  const pace = new Pace(systemClock)
  pace.keep(room, from, said, by(7))
  expect(() => pace.keep(room, from, said, by(7))).not.toThrow()
  expect(() => pace.keep(room, from, said, by(8))).toThrow('Slow mode')
})
