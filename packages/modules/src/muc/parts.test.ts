import { expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Body, Presence } from '@parley/stanza'
import { el } from '@parley/xml'
import { systemClock, Transit } from '@xmpp/server-core'
import { Turns } from '../turns.ts'
import { incoming } from './incoming.ts'
import { Keeper, type KeeperParts } from './keeper.ts'
import { MUC } from './namespaces.ts'
import { opened, type Parts } from './parts.ts'

const ROOM = Jid.parse('coven@conference.a.test')
const ROMEO = Jid.parse('romeo@a.test/orchard')

/** A service without rooms, and the places that it has given up. */
function emptyService() {
  const left: string[] = []
  const rooms = { get: async () => undefined }
  const parts = {
    keeper: new Keeper({ rooms } as unknown as KeeperParts),
    places: { leave: ({ text }: Jid) => left.push(text) },
    tombstones: { check: async () => {}, checkMaker: async () => {} },
    turns: new Turns(),
    clock: systemClock,
    outlet: { during: (_: Transit, run: () => void) => run(), send: () => {} },
    live: { isShared: false },
    mayCreate: () => false,
    idOf: () => 'id',
  } as unknown as Parts
  return { parts, left }
}

test('who asks for a room that somebody makes does not give its place away', async () => {
  const { parts, left } = emptyService()
  await parts.keeper.entering(ROOM, async () => {
    await expect(opened(parts, ROOM, ROMEO)).rejects.toThrow('There is no such room')
  })
  expect(left).toEqual([])
  await expect(opened(parts, ROOM, ROMEO)).rejects.toThrow('There is no such room')
  expect(left).toEqual([ROOM.text])
})

test('presence for a room that is not there leaves no place', async () => {
  const { parts, left } = emptyService()
  for (const type of ['available', 'unavailable'] as const) {
    await incoming(parts)(new Presence({ type, from: ROMEO }), ROOM.withResource('romeo'), new Transit())
  }
  expect(left).toEqual([ROOM.text, ROOM.text])
})

test('a room that somebody may not make has no place', async () => {
  const { parts, left } = emptyService()
  const presence = new Presence({ type: 'available', from: ROMEO }, Body.of([el('x', MUC)]))
  const entered = incoming(parts)(presence, ROOM.withResource('romeo'), new Transit())
  await expect(entered).rejects.toThrow('You may not make rooms here')
  expect(left).toEqual([ROOM.text])
})

test('who has waited for a room that went meanwhile comes to the node that has it now', async () => {
  const { parts } = emptyService()
  const passed: string[] = []
  const places = { leave: () => {}, pass: (_: Presence, { text }: Jid) => passed.push(text) > 0 }
  const shared = { ...parts, places, live: { isShared: true } } as unknown as Parts
  const presence = new Presence({ type: 'available', from: ROMEO }, Body.of([el('x', MUC)]))
  await incoming(shared)(presence, ROOM.withResource('romeo'), new Transit())
  expect(passed).toEqual([ROOM.text])
})
