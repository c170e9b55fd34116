import { expect } from '@jest/globals'
import type { Conformance } from './peer.ts'
import { plays } from './play.ts'
import { eventually, failureOf } from './rig.ts'

/** Coming and going. */
export function loginPlays(conformance: Conformance): void {
  const play = plays(conformance)

  play('who has the right password is let in, and told who they are', { logins: true }, async ({ romeo, online }) => {
    const rig = await online()
    const self = await eventually('the own id', () => rig.of('self')[0])
    expect(self.id).toBe(romeo.id)
    expect(rig.of('ended')).toEqual([])
  })

  play('a wrong password is refused as such', { has: ['wrong'] }, async ({ peer, session }) => {
    const login = await peer.wrong!('romeo')
    const error = await failureOf(session(login).start())
    expect(error.failure).toBe('credentials')
    for (const secret of Object.values(login.secrets)) if (secret) expect(error.message).not.toContain(secret)
  })

  play('where nobody answers it is said, to be tried again', { has: ['nowhere'] }, async ({ peer, romeo, session }) => {
    expect((await failureOf(session(romeo, peer.nowhere!).start())).failure).toBe('transient')
  })

  play('a session stops in time, and says nothing afterwards', {}, async ({ couple }) => {
    const { rig, juliet } = await couple()
    const began = performance.now()
    await rig.stop()
    expect(performance.now() - began).toBeLessThan(5000)
    const before = rig.events.length
    await juliet.says(rig.login.id, 'are you there?').catch(() => undefined)
    await juliet.shows({ show: 'away' })
    expect(rig.events).toHaveLength(before)
  })

  play('a session can be stopped while it begins', {}, async ({ session }) => {
    const rig = session()
    const started = rig.start().catch(() => undefined)
    await rig.stop()
    await started
    expect(rig.of('message')).toEqual([])
  })

  play('after one session the next one is like the first', {}, async ({ peer, romeo, online }) => {
    const first = await online()
    await first.stop()
    const juliet = await peer.person('juliet')
    const second = await online(romeo, first.kept)
    await juliet.says(romeo.id, 'welcome back')
    await eventually('the message', () => second.heard.find(({ text }) => text === 'welcome back'))
  })

  play('two accounts have nothing to do with each other', {}, async ({ peer, romeo, online }) => {
    const mercutio = await peer.account('mercutio')
    const juliet = await peer.person('juliet')
    const [one, other] = [await online(), await online(mercutio)]
    await juliet.says(romeo.id, 'for Romeo alone')
    await eventually('the message', () => one.heard[0])
    expect(other.heard).toEqual([])
    await one.stop()
    await juliet.says(mercutio.id, 'for Mercutio')
    await eventually('the other message', () => other.heard[0])
  })
}
