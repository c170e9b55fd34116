import { expect } from '@jest/globals'
import type { Jid } from '@parley/jid'
import { type Actor, scenario } from '@parley/testkit'
import type { Element } from '@parley/xml'
import { ADMIN, enters, isRefused, MUC, makes, ROOM, USER } from './room.ts'

const VERSIONS = 'urn:xmpp:muc:affiliations:1'
const PRIVATE = { whois: 'anyone', membersonly: '1' }

async function gives(owner: Actor, ...given: readonly (readonly [account: Jid | string, affiliation: string])[]) {
  for (const [account, affiliation] of given) {
    await owner.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item jid="${account}" affiliation="${affiliation}"/></query></iq>`
  }
  await owner.settles()
}

/** Enters, and gives what came before the first presence, and what the own presence says. */
async function comes(actor: Actor, since?: string): Promise<{ before: readonly Element[]; until: string | undefined }> {
  const mav = since === undefined ? `<mav xmlns="${VERSIONS}"/>` : `<mav xmlns="${VERSIONS}" since="${since}"/>`
  await actor.sendsRaw(`<presence to="${ROOM}/${actor.jid.local}"><x xmlns="${MUC}">${mav}</x></presence>`)
  await actor.fence()
  const first = actor.unexpected.findIndex(({ name }) => name === 'presence')
  const before = actor.unexpected.slice(0, first)
  const own = actor.unexpected.find(({ attrs }) => attrs['from'] === `${ROOM}/${actor.jid.local}`)
  const until = own?.child('x', USER)?.child('mav', VERSIONS)?.attrs['until']
  await actor.settles()
  return { before, until }
}

async function goes(actor: Actor): Promise<void> {
  await actor.sends`<presence type="unavailable" to="${ROOM}/${actor.jid.local}"/>`
  await actor.settles()
}

/** The versions of a message, and who is what. */
function told(message: Element | undefined) {
  const x = message?.child('x', USER)
  const { since, until } = x?.child('mav', VERSIONS)?.attrs ?? {}
  const items = x?.childrenNamed('item').map(({ attrs }) => `${attrs['jid']} ${attrs['affiliation']}`)
  return { since, until, items: items?.sort() }
}

scenario(
  'XEP-0463 § 5: a client asks for all once, then for what has changed, then for nothing',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo', PRIVATE)
    const info =
      await romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
    expect(info.childrenNamed('feature').map(({ attrs }) => attrs['var'])).toContain(VERSIONS)
    await gives(romeo, [juliet.bare, 'member'], ['nurse@a.test', 'member'])

    const all = await comes(juliet)
    expect(all.before.map(told)).toEqual([
      {
        since: undefined,
        until: all.until,
        items: ['juliet@a.test member', 'nurse@a.test member', 'romeo@a.test owner'],
      },
    ])
    await goes(juliet)
    await gives(romeo, ['nurse@a.test', 'none'], ['paris@a.test', 'admin'], ['tybalt@a.test', 'outcast'])
    const some = await comes(juliet, all.until)
    // The outcasts are for admins to know.
    expect(some.before.map(told)).toEqual([
      { since: all.until, until: some.until, items: ['nurse@a.test none', 'paris@a.test admin'] },
    ])
    await goes(juliet)
    expect(await comes(juliet, some.until)).toEqual({ before: [], until: some.until })
    await goes(juliet)
    // A version that never was.
    const again = await comes(juliet, 'made up')
    expect(again.before.map(told)).toEqual([
      {
        since: undefined,
        until: some.until,
        items: ['juliet@a.test member', 'paris@a.test admin', 'romeo@a.test owner'],
      },
    ])
    await romeo.settles()
  },
)

scenario('XEP-0463 § 5.2.2: each change leads from one version to the next, here and away', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo', PRIVATE)
  await gives(romeo, [juliet.bare, 'member'], [nurse.bare, 'member'])
  let { until: version } = await comes(juliet)
  await enters(nurse, 'nurse', ['romeo', 'juliet'])
  for (const actor of [romeo, juliet]) await actor.settles()

  const next = async () => {
    await juliet.fence()
    const [stanza] = juliet.unexpected
    const { since, until } = told(stanza)
    expect(since).toBe(version)
    version = until
    await juliet.settles()
    return stanza!
  }
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item jid="paris@a.test" affiliation="member"/></query></iq>`
  expect(told(await next()).items).toEqual(['paris@a.test member'])
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item jid="${nurse.bare}" affiliation="admin"/></query></iq>`
  expect((await next()).name).toBe('presence')
  // A member who is banned is a member no more; why is not for everybody to know.
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item jid="paris@a.test" affiliation="outcast"/></query></iq>`
  expect(told(await next()).items).toEqual(['paris@a.test none'])
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item jid="${nurse.bare}" affiliation="none"/></query></iq>`
  expect((await next()).attrs['type']).toBe('unavailable')
  // Whose client has not asked hears nothing of those who are not here.
  await romeo.settles()
  await nurse.settles()
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item jid="paris@a.test" affiliation="admin"/></query></iq>`
  await romeo.receivesNothing()
  await next()
  await goes(juliet)
  expect((await comes(juliet, version)).before).toEqual([])
  await romeo.settles()
})

scenario('XEP-0463 § 5.2.3: nobody learns who belongs to a room by it who may not ask', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await gives(romeo, [juliet.bare, 'member'])
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><mav xmlns="${VERSIONS}"/></x></presence>`
  await isRefused(juliet, 'message', 'forbidden', 'Who belongs to this room is not for you to know')
  await juliet.fence()
  // She is in, with no version; and nobody else sees what she has asked.
  const own = juliet.unexpected.find(({ attrs }) => attrs['from'] === `${ROOM}/juliet`)
  expect(own?.child('x', USER)?.child('mav', VERSIONS)).toBeUndefined()
  await romeo.fence()
  expect(romeo.unexpected.map(presence => presence.child('x', MUC))).toEqual([undefined])
  for (const actor of [juliet, romeo]) await actor.settles()
})

scenario('XEP-0463 § 6: nobody learns of times when they did not belong to the room', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { ...PRIVATE, persistentroom: '1' })
  await gives(romeo, ['paris@a.test', 'member'])
  await goes(romeo)
  const { until: before } = await comes(romeo)
  await gives(romeo, ['paris@a.test', 'none'], [juliet.bare, 'member'])
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><mav xmlns="${VERSIONS}" since="${before!}"/></x></presence>`
  await isRefused(juliet, 'message', 'forbidden', 'You did not belong to this room then')
  for (const actor of [juliet, romeo]) await actor.settles()
})

scenario('XEP-0463 § 5.2.1: long lists come in pieces; who was away for long gets all of them', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', PRIVATE)
  await gives(romeo, [juliet.bare, 'member'])
  const { until: old } = await comes(juliet)
  await goes(juliet)
  const items = Array.from({ length: 600 }, (_, n) => `<item jid="guest${n}@a.test" affiliation="member"/>`)
  await romeo.asksRaw(`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}">${items.join('')}</query></iq>`)
  await romeo.settles()
  const { before, until } = await comes(juliet, old)
  const [first, second] = before.map(told)
  expect([first?.items?.length, second?.items?.length, before.length]).toEqual([500, 102, 2])
  expect([first?.since, second?.since, second?.until]).toEqual([undefined, first?.until, until])
  await romeo.settles()
})

scenario('XEP-0463 § 5.2.2: who is here and not shown is told of like those who are away', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { persistentroom: '1', presencebroadcast: 'moderator' })
  await goes(romeo)
  const { until } = await comes(romeo)
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item jid="${juliet.bare}" affiliation="member"/></query></iq>`
  await romeo.receives`<message from="${ROOM}"><x xmlns="${USER}"><mav xmlns="${VERSIONS}" since="${until!}"/><item jid="${juliet.bare}" affiliation="member"/></x></message>`
  await juliet.receives`<presence from="${ROOM}/juliet"><x xmlns="${USER}"><mav xmlns="${VERSIONS}" since="${until!}"/><status code="110"/></x></presence>`
})
