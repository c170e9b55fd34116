import { expect } from '@jest/globals'
import type { Contact } from '@parley/adapter'
import type { Conformance } from './peer.ts'
import { plays } from './play.ts'
import { by, eventually, failureOf, type Rig } from './rig.ts'

const MANY = 1000

/** The list as the core would have it by now. */
function listOf(rig: Rig): ReadonlyMap<string, Contact> {
  const list = new Map<string, Contact>()
  for (const event of rig.events) {
    if (event.type === 'roster') {
      list.clear()
      for (const contact of event.contacts) list.set(contact.id, contact)
    } else if (event.type === 'contact') list.set(event.contact.id, event.contact)
    else if (event.type === 'contact-gone') list.delete(event.id)
  }
  return list
}

/** Whom the user knows there. */
export function rosterPlays(conformance: Conformance): void {
  const play = plays(conformance)
  const isSeen = (rig: Rig, id: string) => ['to', 'both'].includes(listOf(rig).get(id)?.subscription ?? '')

  play('the list is there once, when the session is online', { can: ['roster in'], has: ['contacts'] }, async stage => {
    const { rig, juliet } = await stage.couple()
    expect(rig.of('roster')).toHaveLength(1)
    expect(listOf(rig).get(juliet.id)).toBeDefined()
    expect(isSeen(rig, juliet.id)).toBe(true)
  })

  play('a list of a thousand is there', { can: ['roster in'], has: ['contacts'] }, async ({ peer, romeo, online }) => {
    const ids = Array.from({ length: MANY }, (_, index) => `contact${index}`)
    await peer.contacts!(romeo, ids)
    const rig = await online()
    expect(listOf(rig).size).toBe(MANY)
  })

  play(
    'who is added is asked, and seen when they agree',
    {
      can: ['roster out', 'authorization out'],
    },
    async ({ peer, online }) => {
      const nurse = await peer.person('nurse')
      const rig = await online()
      await rig.do('addContact', nurse.id, { name: 'Nurse', groups: ['House'], text: 'may I?' }, by())
      await eventually('the question', () => nurse.told.find(({ type }) => type === 'request'))
      await nurse.answers(rig.login.id, true)
      await eventually('the answer', () => isSeen(rig, nurse.id))
    },
  )

  play('who does not agree is not seen', { can: ['roster out', 'authorization out'] }, async ({ peer, online }) => {
    const nurse = await peer.person('nurse')
    const rig = await online()
    await rig.do('addContact', nurse.id, {}, by())
    await eventually('the question', () => nurse.told.find(({ type }) => type === 'request'))
    await nurse.answers(rig.login.id, false)
    await eventually('the answer', () => listOf(rig).get(nurse.id)?.asked !== true)
    expect(isSeen(rig, nurse.id)).toBe(false)
  })

  play('who asks is heard, and answered', { can: ['authorization in'] }, async ({ peer, online }) => {
    const nurse = await peer.person('nurse')
    const rig = await online()
    await nurse.adds(rig.login.id)
    const asked = await eventually('the question', () => rig.of('request')[0])
    expect(asked.id).toBe(nurse.id)
    await rig.do('answer', nurse.id, true, by())
    await eventually('the answer', () => nurse.told.find(({ type }) => type === 'presence'))
  })

  play('who is removed is gone', { can: ['roster out'], has: ['contacts'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    await rig.do('removeContact', juliet.id, by())
    await eventually('her absence', () => !listOf(rig).has(juliet.id) || !isSeen(rig, juliet.id))
  })

  play('names and groups are kept there', { can: ['roster out', 'groups out'], has: ['contacts'] }, async stage => {
    const { rig, juliet } = await stage.couple()
    await rig.do('renameContact', juliet.id, 'My love', by())
    await rig.do('regroupContact', juliet.id, ['Verona'], by())
    await rig.stop()
    const again = await stage.online(rig.login, rig.kept)
    expect(listOf(again).get(juliet.id)).toMatchObject({ name: 'My love', groups: ['Verona'] })
  })

  play('who is blocked is not heard, and heard again afterwards', { can: ['block out'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    await rig.do('block', juliet.id, true, by())
    await juliet.says(rig.login.id, 'can you hear me?').catch(() => undefined)
    await rig.do('block', juliet.id, false, by())
    await juliet.says(rig.login.id, 'and now?')
    await eventually('the second one', () => rig.heard.find(({ text }) => text === 'and now?'))
    expect(rig.heard).toHaveLength(1)
  })

  play('people are found, and say who they are', { can: ['search out', 'profile in'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    const found = (await rig.do('search', juliet.id.slice(0, 4), by())) as readonly { id: string }[]
    expect(found.map(({ id }) => id)).toContain(juliet.id)
    expect(await rig.do('profile', juliet.id, by())).toMatchObject({ id: juliet.id })
  })

  play('of nobody there is nothing to say', { can: ['profile in'], has: ['strangers'] }, async ({ peer, online }) => {
    const rig = await online()
    expect((await failureOf(rig.do('profile', peer.stranger!, by()))).failure).toBe('not-found')
  })
}
