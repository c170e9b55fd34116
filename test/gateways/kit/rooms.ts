import { expect } from '@jest/globals'
import type { Conformance } from './peer.ts'
import { plays, type Stage } from './play.ts'
import { by, eventually, type Rig, textsOf } from './rig.ts'

/** The members of a room as the core would have them by now. */
function membersOf(rig: Rig, id: string): ReadonlySet<string> {
  const members = new Set<string>()
  for (const event of rig.events) {
    if (event.type === 'room' && event.room.id === id) for (const { nick } of event.room.members) members.add(nick)
    if (event.type === 'room-member' && event.id === id) {
      if (event.before !== undefined) members.delete(event.before)
      members.add(event.member.nick)
    }
    if (event.type === 'room-member-gone' && event.id === id) members.delete(event.nick)
  }
  return members
}

/** Rooms. */
export function roomPlays(conformance: Conformance): void {
  const play = plays(conformance)
  const rooms = { can: ['rooms in', 'rooms out'] } as const
  const nickOf = (id: string, nick: string) => (conformance.has.includes('nicks') ? nick : id)

  /** The user and Juliet in a room that she has come to first. */
  async function together({ peer, online }: Stage) {
    const room = peer.room('verona')
    const juliet = await peer.person('juliet')
    await juliet.joins(room, 'juliet')
    const rig = await online()
    await rig.do('joinRoom', room, 'romeo', undefined, by())
    await eventually('the room', () => rig.of('room').find(({ room: { id } }) => id === room))
    return { room, juliet, rig }
  }

  play('who comes in is told who is there, themselves among them', rooms, async stage => {
    const { room, juliet, rig } = await together(stage)
    await eventually('both', () => membersOf(rig, room).size === 2)
    const [hers, his] = [nickOf(juliet.id, 'juliet'), nickOf(rig.login.id, 'romeo')]
    expect([...membersOf(rig, room)].sort()).toEqual([hers, his].sort())
    expect(rig.of('room')[0]?.room.nick).toBe(his)
  })

  play('what is said in a room is heard, with who said it', rooms, async stage => {
    const { room, juliet, rig } = await together(stage)
    await rig.send(room, 'hear me')
    await eventually('it there', () => textsOf(juliet.told).includes('hear me'))
    await juliet.says(room, 'I hear thee')
    const heard = await eventually('it here', () => rig.heard.find(({ text }) => text === 'I hear thee'))
    expect(heard).toMatchObject({ peer: room, nick: nickOf(juliet.id, 'juliet'), origin: 'remote' })
    const own = rig.of('message').filter(({ text }) => text === 'hear me')
    for (const { origin } of own) expect(origin).toBe('self-echo')
  })

  play('who comes and goes is seen', rooms, async stage => {
    const { room, rig } = await together(stage)
    const nurse = await stage.peer.person('nurse')
    await nurse.joins(room, 'nurse')
    await eventually('the nurse', () => membersOf(rig, room).has(nickOf(nurse.id, 'nurse')))
    await nurse.parts(room)
    await eventually('her absence', () => !membersOf(rig, room).has(nickOf(nurse.id, 'nurse')))
  })

  play('a topic is set and seen', rooms, async stage => {
    const { room, rig } = await together(stage)
    await rig.do('setTopic', room, 'Two households', by())
    await eventually('the topic', () => rig.of('room').find(each => each.room.topic === 'Two households'))
  })

  play('a nick is changed and seen', { ...rooms, has: ['nicks'] }, async stage => {
    const { room, rig } = await together(stage)
    await rig.do('setNick', room, 'montague', by())
    await eventually('the nick', () => membersOf(rig, room).has('montague'))
    expect(membersOf(rig, room).has('romeo')).toBe(false)
  })

  play('who leaves hears nothing more', rooms, async stage => {
    const { room, juliet, rig } = await together(stage)
    await rig.do('leaveRoom', room, by())
    await eventually('the end', () => rig.of('room-left')[0])
    await juliet.says(room, 'are you gone?')
    await juliet.says(rig.login.id, 'you are gone')
    await eventually('the other message', () => rig.heard.find(({ text }) => text === 'you are gone'))
    expect(rig.heard).toHaveLength(1)
  })

  play('rooms are listed', { ...rooms, has: ['directory'] }, async stage => {
    const { room, rig } = await together(stage)
    const list = (await rig.do('listRooms', by())) as readonly { id: string }[]
    expect(list.map(({ id }) => id)).toContain(room)
  })
}
