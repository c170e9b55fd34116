import { expect } from '@jest/globals'
import { type Actor, p, scenario } from '@parley/testkit'
import type { Element } from '@parley/xml'
import { done, EVENT, get, ids, listen, OWNER, PUBSUB, publish, refusal, said, set } from './pep-client.ts'

const BOOKMARKS = 'urn:xmpp:bookmarks:1'
const STORAGE = 'storage:bookmarks'
const PRIVATE = {
  persist_items: 'true',
  max_items: 'max',
  send_last_published_item: 'never',
  access_model: 'whitelist',
}
const items = get(`<pubsub xmlns="${PUBSUB}"><items node="${BOOKMARKS}"/></pubsub>`)
const room = (jid: string, more = ' autojoin="true"', inside = '<nick>R</nick>') =>
  `<item id="${jid}"><conference xmlns="${BOOKMARKS}"${more}>${inside}</conference></item>`
const list = (...rooms: string[]) => `<storage xmlns="${STORAGE}">${rooms.join('')}</storage>`
const old = (jid: string, more = ' autojoin="1"') => `<conference jid="${jid}"${more}><nick>R</nick></conference>`
const storing = (...rooms: string[]) => set(`<query xmlns="jabber:iq:private">${list(...rooms)}</query>`)
const asking = get(`<query xmlns="jabber:iq:private"><storage xmlns="${STORAGE}"/></query>`)
const publishing = (...rooms: string[]) =>
  set(
    publish(STORAGE, `<item id="current">${list(...rooms)}</item>`, {
      persist_items: 'true',
      access_model: 'whitelist',
    }),
  )

/** Rooms of a list, shortly. */
function shown(storage: Element | undefined): string[] {
  const rooms = storage?.childrenNamed('conference', STORAGE) ?? []
  return rooms.map(({ attrs }) => `${attrs['jid']} ${attrs['autojoin']}`)
}
const inPrivate = async (actor: Actor) => shown((await done(actor, asking))?.child('storage', STORAGE))
const inList = async (actor: Actor) => {
  const answer = await done(actor, get(`<pubsub xmlns="${PUBSUB}"><items node="${STORAGE}"/></pubsub>`))
  return shown(answer?.child('items')?.child('item')?.child('storage', STORAGE))
}

scenario('XEP-0402 § 5.3.1: what a new client bookmarks, old ones see in both older places', async ({ server }) => {
  const [romeo, phone] = await (await server('a.test')).join('romeo/orchard', 'romeo/phone')
  await listen([phone], STORAGE)
  await romeo.settles()
  await done(romeo, set(publish(BOOKMARKS, room('play@rooms.test'), PRIVATE)))
  await phone.receives`<message from="${romeo.bare}"><event xmlns="${EVENT}"><items node="${STORAGE}"><item id="current"><storage xmlns="${STORAGE}"><conference jid="play@rooms.test" autojoin="true"><nick>R</nick></conference></storage></item></items></event></message>`
  await done(romeo, set(publish(BOOKMARKS, room('work@rooms.test', ''), PRIVATE)))
  await phone.settles()
  const both = ['work@rooms.test undefined', 'play@rooms.test true']
  expect(await inPrivate(phone)).toEqual(both)
  expect(await inList(phone)).toEqual(both)
  await done(
    romeo,
    set(`<pubsub xmlns="${PUBSUB}"><retract node="${BOOKMARKS}"><item id="work@rooms.test"/></retract></pubsub>`),
  )
  await phone.settles()
  expect(await inPrivate(phone)).toEqual(['play@rooms.test true'])
})

scenario('XEP-0402 § 5.3.2: what an old client changes is told to new ones, and only that', async ({ server }) => {
  const [romeo, phone] = await (await server('a.test')).join('romeo/orchard', 'romeo/phone')
  await listen([phone], BOOKMARKS)
  await romeo.settles()
  const extensions = '<nick>R</nick><extensions><state xmlns="urn:client"/></extensions>'
  await done(phone, set(publish(BOOKMARKS, room('play@rooms.test', ' autojoin="true"', extensions), PRIVATE)))
  await done(phone, set(publish(BOOKMARKS, room('work@rooms.test'), PRIVATE)))
  await done(phone, set(publish(BOOKMARKS, room('gone@rooms.test'), PRIVATE)))
  await phone.settles()

  for (const change of [storing, publishing]) {
    await done(romeo, change(old('play@rooms.test', ' name="Play"'), old('work@rooms.test'), old('new@rooms.test')))
    await phone.receivesUnordered(
      p`<message><event xmlns="${EVENT}"><items node="${BOOKMARKS}"><retract id="gone@rooms.test"/></items></event></message>`,
      p`<message><event xmlns="${EVENT}"><items node="${BOOKMARKS}"><item id="play@rooms.test"><conference xmlns="${BOOKMARKS}" name="Play"><extensions><state xmlns="urn:client"/></extensions></conference></item></items></event></message>`,
      p`<message><event xmlns="${EVENT}"><items node="${BOOKMARKS}"><item id="new@rooms.test"><conference xmlns="${BOOKMARKS}" autojoin="true"><nick>R</nick></conference></item></items></event></message>`,
    )
    await phone.receivesNothing()
    // Back to where it was, for the other way.
    await done(phone, set(publish(BOOKMARKS, room('play@rooms.test', ' autojoin="true"', extensions), PRIVATE)))
    await done(phone, set(publish(BOOKMARKS, room('gone@rooms.test'), PRIVATE)))
    await done(
      phone,
      set(`<pubsub xmlns="${PUBSUB}"><retract node="${BOOKMARKS}"><item id="new@rooms.test"/></retract></pubsub>`),
    )
    await phone.settles()
  }
  await romeo.settles()
})

scenario(
  'XEP-0048 § 3: an old client alone finds its list as it was, and the server makes it private',
  async ({ server, befriend }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    await befriend(romeo, juliet)
    await listen([juliet], BOOKMARKS, STORAGE)
    const url = '<url name="Plays" url="http://plays.test"/>'
    await done(romeo, storing(url, old('play@rooms.test'), '<conference jid="@"/>', '<conference/>'))
    expect(await ids(romeo, items)).toEqual(['play@rooms.test'])
    const storage = (await done(romeo, asking))?.child('storage', STORAGE)
    expect(storage?.child('url')?.attrs['url']).toBe('http://plays.test')
    expect(shown(storage)).toEqual(['play@rooms.test true'])

    await juliet.receivesNothing()
    for (const node of [BOOKMARKS, STORAGE])
      expect(
        await refusal(juliet, get(`<pubsub xmlns="${PUBSUB}"><items node="${node}"/></pubsub>`, romeo.bare.text)),
      ).toBe('not-allowed closed-node')
    await done(romeo, storing())
    expect(await ids(romeo, items)).toEqual([])
    expect(await inPrivate(romeo)).toEqual([])
    await romeo.settles()
  },
)

scenario('XEP-0402 § 8: a list that is taken over closes a node that was open', async ({ server, befriend }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)
  await done(romeo, set(publish(BOOKMARKS, room('play@rooms.test'), { access_model: 'open' })))
  await done(romeo, storing(old('secret@rooms.test')))
  expect(await refusal(juliet, items.replace('type="get"', `type="get" to="${romeo.bare}"`))).toBe(
    'not-allowed closed-node',
  )
  const config = await done(romeo, get(`<pubsub xmlns="${OWNER}"><configure node="${BOOKMARKS}"/></pubsub>`))
  expect(String(config)).toContain('whitelist')
})

scenario('XEP-0402 § 6: an account says that its bookmarks are one', async ({ server }) => {
  const config = { modules: { pep: { nodes: 1 } } }
  const [romeo] = await (await server('a.test', { config })).connect('romeo/orchard')
  const info =
    await romeo.asks`<iq type="get" to="${romeo.bare}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  const features = info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
  for (const feature of ['compat', 'compat-pep']) expect(features).toContain(`${BOOKMARKS}#${feature}`)
  expect(await said(romeo, storing(old('play@rooms.test')))).toBe('Too many nodes')
})
