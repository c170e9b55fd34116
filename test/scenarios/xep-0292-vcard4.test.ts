import { expect } from '@jest/globals'
import { any, scenario } from '@parley/testkit'
import { done, EVENT, get, listen, PUBSUB, publish, set } from './pep-client.ts'

const NODE = 'urn:xmpp:vcard4'
const VCARD = 'urn:ietf:params:xml:ns:vcard-4.0'

scenario(
  'XEP-0292 § 4: a vCard4 is published for everybody, and contacts hear that it is new',
  async ({ server, befriend }) => {
    const [romeo, juliet, stranger] = await (await server('a.test')).join(
      'romeo/orchard',
      'juliet/balcony',
      'stranger/road',
    )
    await befriend(romeo, juliet)
    await listen([juliet], NODE)
    const card = `<item><vcard xmlns="${VCARD}"><fn><text>Romeo</text></fn></vcard></item>`
    await done(romeo, set(publish(NODE, card, { access_model: 'open', deliver_payloads: 'false' })))
    await juliet.receives`<message from="${romeo.bare}"><event xmlns="${EVENT}"><items node="${NODE}"><item id="${any}"/></items></event></message>`
    const found = await done(
      stranger,
      get(`<pubsub xmlns="${PUBSUB}"><items node="${NODE}"/></pubsub>`, romeo.bare.text),
    )
    expect(found?.child('items')?.child('item')?.child('vcard', VCARD)?.child('fn')?.textOf('text')).toBe('Romeo')
    await romeo.settles()
  },
)
