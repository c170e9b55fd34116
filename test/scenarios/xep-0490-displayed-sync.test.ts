import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { done, EVENT, get, listen, PUBSUB, publish, refusal, set } from './pep-client.ts'
import { enters, makes, ROOM } from './room.ts'

const NODE = 'urn:xmpp:mds:displayed:0'
const MARKERS = 'urn:xmpp:chat-markers:0'
const items = get(`<pubsub xmlns="${PUBSUB}"><items node="${NODE}"/></pubsub>`)

const displayed = (by: unknown, id: string) =>
  `<displayed xmlns="${NODE}"><stanza-id xmlns="urn:xmpp:sid:0" by="${by}" id="${id}"/></displayed>`

scenario('XEP-0490 § 4.5.3: one message tells the sender and the own clients', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.join('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await listen([phone], NODE)
  for (const actor of [romeo, juliet, phone]) await actor.settles()
  await juliet.sendsRaw(
    `<message type="chat" to="${romeo.bare}" id="m1"><displayed xmlns="${MARKERS}" id="the-msg-1"/>${displayed(juliet.bare, 's1')}</message>`,
  )
  await phone.receives`<message type="headline" from="${juliet.bare}" to="${phone}"><event xmlns="${EVENT}"><items node="${NODE}"><item id="${romeo.bare}"><displayed xmlns="${NODE}"><stanza-id xmlns="urn:xmpp:sid:0" by="${juliet.bare}" id="s1"/></displayed></item></items></event></message>`
  for (const actor of [juliet, romeo]) await actor.fence()
  const [marker] = romeo.unexpected
  expect(marker?.child('displayed', MARKERS)?.attrs['id']).toBe('the-msg-1')
  // Where her archive has it is nobody else's business.
  expect(marker?.child('displayed', NODE)).toBeUndefined()
  for (const actor of [romeo, juliet, phone]) await actor.settles()

  const found = await done(juliet, items)
  const payload = found?.child('items')?.child('item')?.child('displayed', NODE)
  expect(payload?.child('stanza-id', 'urn:xmpp:sid:0')?.attrs).toMatchObject({ by: juliet.bare.text, id: 's1' })
  expect(
    await refusal(romeo, get(`<pubsub xmlns="${PUBSUB}"><items node="${NODE}"/></pubsub>`, juliet.bare.text)),
  ).not.toBe('not refused')
})

scenario('XEP-0490 § 4.5.3: each chat has its item, a room by its address; the latest counts', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  for (const [type, to, id] of [
    ['chat', romeo.bare.text, 'one'],
    ['groupchat', ROOM, 'two'],
    ['chat', romeo.bare.text, 'three'],
  ]) {
    await juliet.sendsRaw(
      `<message type="${type}" to="${to}"><displayed xmlns="${MARKERS}" id="x"/>${displayed('a.test', id!)}</message>`,
    )
  }
  for (const actor of [romeo, juliet]) await actor.settles()
  const found = await done(juliet, items)
  const state = found
    ?.child('items')
    ?.childrenNamed('item')
    .map(item => [item.attrs['id'], item.child('displayed', NODE)?.child('stanza-id', 'urn:xmpp:sid:0')?.attrs['id']])
  expect(new Map(state as [string, string][])).toEqual(
    new Map([
      [romeo.bare.text, 'three'],
      [ROOM, 'two'],
    ]),
  )
})

scenario('XEP-0490 § 4.5.2: an account says that its server helps', async ({ server }) => {
  const [juliet] = await (await server('a.test')).connect('juliet/balcony')
  const info =
    await juliet.asks`<iq type="get" to="${juliet.bare}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  const features = info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
  expect(features).toContain('urn:xmpp:mds:server-assist:0')
})

scenario('XEP-0490 § 7: a node that a client had made for everybody to read becomes private', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  const item = `<item id="${romeo.bare}">${displayed(juliet.bare, 's1')}</item>`
  await done(juliet, set(publish(NODE, item, { access_model: 'open' })))
  const asks = get(`<pubsub xmlns="${PUBSUB}"><items node="${NODE}"/></pubsub>`, juliet.bare.text)
  await done(romeo, asks)
  await juliet.sendsRaw(`<message to="${romeo.bare}"><body>x</body>${displayed(juliet.bare, 's2')}</message>`)
  await juliet.fence()
  expect(await refusal(romeo, asks)).toBe('not-allowed closed-node')
})

scenario('XEP-0490 § 5.2: what cannot be published does not stop the message', async ({ server }) => {
  const stage = await server('a.test', { config: { modules: { pep: { nodes: 1 } } } })
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await done(juliet, set(publish('other', '<item><x xmlns="urn:x"/></item>')))
  await juliet.settles()
  await juliet.sendsRaw(`<message type="chat" to="${romeo.bare}"><body>Hi</body>${displayed('a.test', 's')}</message>`)
  await romeo.receives`<message type="chat"><body>Hi</body></message>`
  // A message without an address is for herself.
  await juliet.sendsRaw(`<message type="chat"><body>Me</body>${displayed('a.test', 's')}</message>`)
  await juliet.receives`<message type="chat"><body>Me</body></message>`
})

scenario(
  'XEP-0490 § 4.2: a client may publish by itself, and the others learn where its archive has the message',
  async ({ server }) => {
    const [juliet, phone] = await (await server('a.test')).join('juliet/balcony', 'juliet/phone')
    await listen([phone], NODE)
    await juliet.settles()
    const options = {
      persist_items: 'true',
      max_items: 'max',
      send_last_published_item: 'never',
      access_model: 'whitelist',
    }
    await done(juliet, set(publish(NODE, `<item id="romeo@a.test">${displayed(juliet.bare, 's1')}</item>`, options)))
    await phone.receives`<message type="headline" from="${juliet.bare}"><event xmlns="${EVENT}"><items node="${NODE}"><item id="romeo@a.test"><displayed xmlns="${NODE}"><stanza-id xmlns="urn:xmpp:sid:0" by="${juliet.bare}" id="s1"/></displayed></item></items></event></message>`
  },
)
