import { expect } from '@jest/globals'
import type { Event } from '@parley/adapter'
import type { Conformance, Person } from './peer.ts'
import { type Play, plays } from './play.ts'
import { by, eventually, type Rig } from './rig.ts'

/** Something that is done with the last message of the other side, and what is seen of it. */
interface Deed {
  readonly feature: 'edit' | 'retract' | 'reaction'
  readonly command: 'edit' | 'retract' | 'react'
  readonly more: readonly unknown[]
  readonly seen: Partial<Record<string, unknown>>
}

const DEEDS: readonly Deed[] = [
  { feature: 'edit', command: 'edit', more: ['corrected'], seen: { text: 'corrected' } },
  { feature: 'retract', command: 'retract', more: [], seen: {} },
  { feature: 'reaction', command: 'react', more: [['👍']], seen: { emojis: ['👍'] } },
]

/** What is done besides speaking. */
export function signalPlays(conformance: Conformance): void {
  const play = plays(conformance)
  const found = (events: readonly Event[], type: Event['type']) => events.find(event => event.type === type)

  play('the other side sees that the user writes', { can: ['typing out'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    await rig.do('typing', { peer: juliet.id }, 'composing', by())
    const seen = await eventually('typing', () => found(juliet.told, 'typing'))
    expect(seen).toMatchObject({ peer: rig.login.id, state: 'composing' })
  })

  play('the user sees that the other side writes, and has stopped', { can: ['typing in'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    await juliet.signals(rig.login.id, { type: 'typing', state: 'composing' })
    await eventually('typing', () => rig.of('typing').find(({ state }) => state === 'composing'))
    await juliet.signals(rig.login.id, { type: 'typing', state: 'paused' })
    await eventually('no typing', () => rig.of('typing').find(({ state }) => state !== 'composing'))
  })

  play('who asks for it hears that a message has arrived', { can: ['receipts in'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    const { id, level } = await rig.send(juliet.id, 'did you get this?', { receipt: true })
    const told = await eventually('the message', () => found(juliet.told, 'message'))
    if (level !== 'delivered' && 'id' in told && told.id)
      await juliet.signals(rig.login.id, { type: 'receipt', ids: [told.id], level: 'delivered' })
    const receipt = await eventually('the receipt', () => rig.of('receipt')[0])
    expect(receipt).toMatchObject({ peer: juliet.id, level: 'delivered', ids: [id] })
  })

  play(
    'the other side hears that a message has come to a program of the user',
    { can: ['receipts out'] },
    async stage => {
      const { rig, juliet } = await stage.couple()
      const id = await said(rig, juliet)
      await rig.do('delivered', { peer: juliet.id }, [id], by())
      const seen = await eventually('the receipt', () => found(juliet.told, 'receipt'))
      expect(seen).toMatchObject({ peer: rig.login.id, ids: [id], level: 'delivered' })
    },
  )

  play('the other side sees what the user has read', { can: ['read out'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    const id = await juliet.says(rig.login.id, 'read this')
    await eventually('the message', () => rig.heard[0])
    await rig.do('read', { peer: juliet.id }, [id], by())
    // Some say first that it has arrived.
    const seen = await eventually('the mark', () =>
      juliet.told.find(event => event.type === 'receipt' && event.level === 'read'),
    )
    expect(seen).toMatchObject({ ids: [id], level: 'read' })
  })

  play('the user sees what the other side has read', { can: ['read in'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    const { id } = await rig.send(juliet.id, 'read this', { receipt: true })
    await juliet.signals(rig.login.id, { type: 'receipt', ids: [id!], level: 'read' })
    const seen = await eventually('the mark', () => rig.of('receipt').find(({ level }) => level === 'read'))
    expect(seen).toMatchObject({ peer: juliet.id, ids: [id] })
  })

  play('attention is called, both ways', { can: ['attention in', 'attention out'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    await rig.do('attention', { peer: juliet.id }, by())
    await eventually('attention there', () => found(juliet.told, 'attention'))
    await juliet.signals(rig.login.id, { type: 'attention' })
    await eventually('attention here', () => rig.of('attention')[0])
  })

  play('an answer says what it answers, both ways', { can: ['reply in', 'reply out'] }, async ({ couple }) => {
    const { rig, juliet } = await couple()
    const asked = await juliet.says(rig.login.id, 'wherefore?')
    await eventually('the question', () => rig.heard[0])
    const { id } = await rig.send(juliet.id, 'therefore', { replyTo: asked! })
    const told = await eventually('the answer', () =>
      juliet.told.find(event => event.type === 'message' && event.text === 'therefore'),
    )
    expect(told).toMatchObject({ replyTo: asked })
    await juliet.says(rig.login.id, 'indeed', id)
    expect(await eventually('the last word', () => rig.heard[1])).toMatchObject({ replyTo: id })
  })

  for (const { feature, command, more, seen } of DEEDS) {
    const there: Play = async ({ couple }) => {
      const { rig, juliet } = await couple()
      const { id } = await rig.send(juliet.id, 'said')
      await eventually('the message', () => found(juliet.told, 'message'))
      await rig.do(command, { peer: juliet.id }, id, ...more, by())
      const told = await eventually(feature, () => found(juliet.told, feature))
      expect(told).toMatchObject({ target: id, ...seen })
    }
    play(`${feature}: what the user does to a message is seen there`, { can: [`${feature} out`] }, there)

    play(`${feature}: what the other side does to a message is seen here`, { can: [`${feature} in`] }, async stage => {
      const { rig, juliet } = await stage.couple()
      const id = await said(rig, juliet)
      await juliet.signals(rig.login.id, { type: feature, target: id, ...seen } as never)
      const told = await eventually(feature, () => rig.of(feature)[0])
      expect(told).toMatchObject({ target: id, origin: 'remote', peer: juliet.id, ...seen })
    })
  }
}

async function said(rig: Rig, juliet: Person): Promise<string> {
  const id = await juliet.says(rig.login.id, 'said')
  await eventually('the message', () => rig.heard[0])
  return id!
}
