import { expect } from '@jest/globals'
import { refused, scenario } from '@parley/testkit'
import { read } from './archive-reader.ts'
import { isKept, isKeptInRoom } from './conversation.ts'

const EME = 'urn:xmpp:eme:0'
const unknown = `<encryption xmlns="${EME}" namespace="urn:example:mls" name="MLS"/><mls xmlns="urn:example:mls">AA==</mls>`
const openpgp = '<openpgp xmlns="urn:xmpp:openpgp:0">AA==</openpgp>'
const envelope = '<envelope xmlns="urn:xmpp:sce:1"><content>AA==</content></envelope>'

scenario('XEP-0380 § 3: what is encrypted in a way that nobody here knows is kept all the same', async ({ server }) => {
  await isKept(await server('a.test'), unknown)
})

scenario('XEP-0380 § 3: a room keeps it, too', async ({ server }) => {
  await isKeptInRoom(await server('a.test'), unknown)
})

scenario('XEP-0380 § 3: words that stand in for a secret are not found by searching', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.sendsRaw(`<message type="chat" to="${juliet}" id="1"><body>secret</body>${unknown}</message>`)
  await romeo.sendsRaw(`<message type="chat" to="${juliet}" id="2"><body>secret</body></message>`)
  await juliet.settles()
  const { messages } = await read(juliet, { fields: { '{urn:xmpp:fulltext:0}fulltext': 'secret' } })
  expect(messages.map(({ attrs }) => attrs['id'])).toEqual(['2'])
  await refused(
    romeo.asks`<iq type="set" to="juliet@a.test"><query xmlns="urn:xmpp:mam:2"/></iq>`,
    'forbidden',
    'The archive belongs to somebody else',
  )
})

scenario('XEP-0373 § 3.1: what is sent with OpenPGP is kept without a body', async ({ server }) => {
  await isKept(await server('a.test'), openpgp)
})

scenario('XEP-0373 § 3.1: and in rooms', async ({ server }) => {
  await isKeptInRoom(await server('a.test'), openpgp)
})

scenario('XEP-0420 § 7: an envelope with a hint has no body, and is kept', async ({ server }) => {
  await isKept(await server('a.test'), `${envelope}<store xmlns="urn:xmpp:hints"/>`, 'normal')
})

scenario('XEP-0420 § 10: an envelope whose sender forgot the hint is kept, too', async ({ server }) => {
  await isKept(await server('a.test'), envelope)
})

scenario(
  'XEP-0420 § 9: ids that a server gives are taken out where somebody else has given them',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    await romeo.sendsRaw(
      `<message type="chat" to="${juliet}">${envelope}<stanza-id xmlns="urn:xmpp:sid:0" by="juliet@a.test" id="forged"/></message>`,
    )
    const message = await juliet.client.next('the envelope')
    const ids = message.childrenNamed('stanza-id', 'urn:xmpp:sid:0').map(({ attrs }) => attrs['id'])
    expect(ids).toEqual((await read(juliet)).ids)
  },
)
