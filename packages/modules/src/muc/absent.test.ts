import { expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Body, Message } from '@parley/stanza'
import { el } from '@parley/xml'
import { type Logger, type MissedInRoom, type Server, systemClock } from '@xmpp/server-core'
import { Absent, type AbsentParts } from './absent.ts'
import { configOf } from './config.ts'
import { Room } from './room.ts'

const outside = { send: () => {}, hand: () => {}, seated: () => {}, stood: () => {}, away: () => {} }
const log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} } as unknown as Logger

/** A room of members who are away, each with the nick that is kept for it. */
function roomOf(members: number, nick: (n: number) => string): Room {
  const affiliations = Array.from(
    { length: members },
    (_, n) => [`u${n}@a.test`, { affiliation: 'member', nick: nick(n) }] as const,
  )
  return new Room(Jid.parse('coven@conference.a.test'), configOf(), affiliations, outside)
}

function absentWith(...listeners: ((event: MissedInRoom) => unknown)[]): { absent: Absent; notices: string[] } {
  const notices: string[] = []
  const hooks = { phase: () => ({ runs: listeners, owners: [] }) }
  const parts = {
    log,
    clock: systemClock,
    server: { router: { hosts: new Map([['a.test', { hooks }]]) } } as unknown as Server,
    outlet: { route: async ({ to }: Message) => void notices.push(to!.text) },
    blocking: { isBlocked: async () => false },
    settings: { of: async () => 'always' },
    ids: { of: (_: Room, account: string) => `id of ${account}` },
  } as unknown as AbsentParts
  return { absent: new Absent(parts), notices }
}

function missing(absent: Absent, room: Room, ...children: readonly ReturnType<typeof el>[]) {
  const said = new Message({ type: 'groupchat', from: room.jid.withResource('romeo') }, Body.of(children))
  return absent.missing(room, said, said, room.newcomer('romeo', Jid.parse('romeo@a.test'), 'x'))
}

const body = (text: string) => el('body', 'jabber:client', null, text)

test('a thousand who are away are told without a promise for each', () => {
  const heard: string[] = []
  const { absent } = absentWith(({ account }) => heard.push(account.local))
  const tell = missing(
    absent,
    roomOf(1000, n => `nick${n}`),
    body('Hail'),
  )
  expect(tell?.()).toBeUndefined()
  expect(heard).toHaveLength(1000)
})

test('so many nicks at most are compared with a line, where very many begin with its words', async () => {
  const { absent, notices } = absentWith()
  const room = roomOf(5000, n => `a b${n}`)
  expect(missing(absent, room, body('hail'))).toBeUndefined()
  expect(missing(absent, room, body('hail, a b4999'))).toBeUndefined()
  await missing(absent, room, body('hail, a b7'))?.()
  expect(notices).toEqual(['u7@a.test'])
})

test('who is named by an occupant id is a member of now', async () => {
  const { absent, notices } = absentWith()
  const room = roomOf(3, n => `nick${n}`)
  const named = (n: number) => el('mention', 'urn:xmpp:mentions:0', { occupantid: `id of u${n}@a.test` })
  await missing(absent, room, named(1), named(9))?.()
  room.affiliations.delete('u1@a.test')
  room.affiliations.set('u9@a.test', { affiliation: 'member' })
  await missing(absent, room, named(1), named(9))?.()
  expect(notices).toEqual(['u1@a.test', 'u9@a.test'])
})
