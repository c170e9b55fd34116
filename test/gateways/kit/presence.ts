import { expect } from '@jest/globals'
import type { Event, Presence } from '@parley/adapter'
import type { Conformance } from './peer.ts'
import { plays } from './play.ts'
import { by, eventually, type Rig } from './rig.ts'

const plain = ({ show, text }: Presence) => (text === undefined ? show : `${show}: ${text}`)

/** Who is there, and how. */
export function presencePlays(conformance: Conformance): void {
  const play = plays(conformance)
  const { presence } = conformance
  const shownBy = (events: readonly Event[], id: string) =>
    events.flatMap(event => (event.type === 'presence' && event.id === id ? [plain(event.presence)] : []))
  const seen = (rig: Rig, id: string) => shownBy(rig.events, id)

  for (const { sent, seen: expected } of presence.out) {
    play(
      `the user is ${plain(sent)}, and is seen as ${plain(expected)}`,
      {
        can: ['presence out'],
        has: ['contacts'],
      },
      async ({ couple }) => {
        const { rig, juliet } = await couple()
        await rig.do('setPresence', { show: 'dnd' }, by())
        await rig.do('setPresence', sent, by())
        await eventually(plain(expected), () => shownBy(juliet.told, rig.login.id).at(-1) === plain(expected))
      },
    )
  }

  for (const { sent, seen: expected } of presence.in) {
    play(
      `somebody is ${plain(sent)}, and is seen as ${plain(expected)}`,
      {
        can: ['presence in'],
        has: ['contacts'],
      },
      async ({ couple }) => {
        const { rig, juliet } = await couple()
        await juliet.shows(sent)
        await eventually(plain(expected), () => seen(rig, juliet.id).at(-1) === plain(expected))
      },
    )
  }

  play(
    'who is there is known from the beginning, and who is not, is not',
    {
      can: ['presence in'],
      has: ['contacts'],
    },
    async ({ peer, romeo, online, acquaint }) => {
      const juliet = await peer.person('juliet')
      const nurse = await peer.person('nurse')
      const kept = await acquaint(juliet, nurse)
      await nurse.leaves()
      const rig = await online(romeo, kept)
      await eventually('Juliet', () => seen(rig, juliet.id).at(-1) === 'available')
      expect(seen(rig, nurse.id).filter(each => each !== 'unavailable')).toEqual([])
    },
  )

  play('who goes is seen to go', { can: ['presence in'], has: ['contacts'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    await eventually('Juliet', () => seen(rig, juliet.id).at(-1) === 'available')
    await juliet.leaves()
    await eventually('her absence', () => seen(rig, juliet.id).at(-1) === 'unavailable')
  })

  play('who ends the session is seen to go', { can: ['presence out'], has: ['contacts'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    await eventually('Romeo', () => shownBy(juliet.told, rig.login.id).at(-1) === 'available')
    await rig.stop()
    await eventually('his absence', () => shownBy(juliet.told, rig.login.id).at(-1) === 'unavailable')
  })
}
