import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { done, EVENT, get, listen, OWNER, PUBSUB, publish, refusal, set } from './pep-client.ts'

const STORAGE = 'storage:bookmarks'
const list =
  '<storage xmlns="storage:bookmarks"><conference jid="play@rooms.test" autojoin="true"><nick>R</nick></conference></storage>'
const storing = set(`<query xmlns="jabber:iq:private">${list}</query>`)
const items = (to = '') => get(`<pubsub xmlns="${PUBSUB}"><items node="${STORAGE}"/></pubsub>`, to)

scenario('XEP-0411 § 2: an account says that bookmarks are converted', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const info =
    await romeo.asks`<iq type="get" to="${romeo.bare}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  const features = info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
  expect(features).toContain('urn:xmpp:bookmarks-conversion:0')
})

scenario(
  'XEP-0411 § 3: what an old client keeps in private XML is told to those who listen to the node',
  async ({ server }) => {
    const [romeo, phone] = await (await server('a.test')).join('romeo/orchard', 'romeo/phone')
    await listen([phone], STORAGE)
    await romeo.settles()
    await done(romeo, storing)
    await phone.receives`<message from="${romeo.bare}"><event xmlns="${EVENT}"><items node="${STORAGE}"><item id="current"><storage xmlns="${STORAGE}"><conference jid="play@rooms.test" autojoin="true"><nick>R</nick></conference></storage></item></items></event></message>`
    await romeo.settles()
  },
)

scenario('XEP-0411 § 3: what is published is in private XML', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const options = { persist_items: 'true', access_model: 'whitelist' }
  await done(romeo, set(publish(STORAGE, `<item id="current">${list}</item>`, options)))
  const found = await done(romeo, get(`<query xmlns="jabber:iq:private"><storage xmlns="${STORAGE}"/></query>`))
  expect(String(found)).toContain('play@rooms.test')
})

scenario(
  'XEP-0411 § 5: a node that others could read is closed before private bookmarks come into it',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
    const none = `<item id="current"><storage xmlns="${STORAGE}"/></item>`
    await done(romeo, set(publish(STORAGE, none, { access_model: 'open' })))
    expect(await refusal(juliet, items('romeo@a.test'))).toBe('not refused')
    await done(romeo, storing)
    expect(await refusal(juliet, items('romeo@a.test'))).toBe('not-allowed closed-node')
    const config = await done(romeo, get(`<pubsub xmlns="${OWNER}"><configure node="${STORAGE}"/></pubsub>`))
    expect(String(config)).toContain('whitelist')
  },
)
