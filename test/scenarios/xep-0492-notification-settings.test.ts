import { expect } from '@jest/globals'
import { modules } from '@parley/modules'
import { type Actor, scenario } from '@parley/testkit'
import { defineModule, type MissedInRoom, missedInRoom, on } from '@xmpp/server-core'
import { done, publish, set } from './pep-client.ts'
import { ADMIN, configures, makes, ROOM } from './room.ts'

const BOOKMARKS = 'urn:xmpp:bookmarks:1'
const NS = 'urn:xmpp:notification-settings:1'

async function wants(actor: Actor, settings: string): Promise<void> {
  const notify = `<extensions><notify xmlns="${NS}">${settings}</notify></extensions>`
  await done(
    actor,
    set(publish(BOOKMARKS, `<item id="${ROOM}"><conference xmlns="${BOOKMARKS}">${notify}</conference></item>`)),
  )
  await actor.settles()
}

async function mentions(actor: Actor, who: Actor): Promise<void> {
  await actor.sends`<message type="groupchat" to="${ROOM}"><body>x</body><reference xmlns="urn:xmpp:reference:0" type="mention" uri="xmpp:${who.bare}"/></message>`
  await actor.receives`<message type="groupchat"><body>x</body></message>`
}

scenario('XEP-0492 § 2.1: who never wants to be told of a room is not', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member" jid="${juliet.bare}"/></query></iq>`
  await romeo.settles()
  for (const settings of ['<never/>', '<never identity-category="client" identity-type="pc"/><never/>']) {
    await wants(juliet, settings)
    await mentions(romeo, juliet)
    await juliet.receivesNothing()
  }
  // § 3: one of her clients wants it, or nothing is said of the others.
  for (const settings of [
    '<on-mention/>',
    '<always/>',
    '<never/><on-mention identity-category="client" identity-type="phone"/>',
    '<never identity-category="client"/>',
    '',
  ]) {
    await wants(juliet, settings)
    await mentions(romeo, juliet)
    await juliet.receives`<message from="${ROOM}"><mentions xmlns="urn:xmpp:mmn:0"/></message>`
  }
})

scenario(
  'XEP-0492 § 3: every line of a private room is wanted, and of a public one what mentions the user',
  async ({ server }) => {
    const wanted: boolean[] = []
    const waker = defineModule({
      name: 'waker',
      setup: () => ({
        on: [on(missedInRoom, 'observe', async (event: MissedInRoom) => void wanted.push(await event.wanted()))],
      }),
    })
    const stage = await server('a.test', { modules: [...modules, waker] })
    const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo')
    await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member" jid="${juliet.bare}"/></query></iq>`
    await romeo.settles()
    const says = async () => {
      await romeo.sends`<message type="groupchat" to="${ROOM}"><body>x</body></message>`
      await romeo.settles()
      return wanted.pop()
    }
    expect(await says()).toBe(false)
    await wants(juliet, '<always/>')
    expect(await says()).toBe(true)
    await wants(juliet, '')
    await configures(romeo, { membersonly: '1' })
    expect(await says()).toBe(true)
    await wants(juliet, '<on-mention/>')
    expect(await says()).toBe(false)
  },
)
