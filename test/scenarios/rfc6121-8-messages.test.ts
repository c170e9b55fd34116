import { refused, scenario } from '@parley/testkit'

scenario('RFC 6121 § 8.5.2.1.1: a chat message to a bare JID reaches every available resource', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.join('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await juliet.settles()

  await romeo.sends`<message type="chat" to="${juliet.bare}" id="m1"><body>Art thou not Romeo?</body></message>`
  await juliet.receives`<message type="chat" from="${romeo}" to="${juliet.bare}" id="m1"><body>Art thou not Romeo?</body></message>`
  await phone.receives`<message type="chat" from="${romeo}" to="${juliet.bare}" id="m1"><body>Art thou not Romeo?</body></message>`
})

scenario('RFC 6121 § 8.5.1: a message to nobody is refused', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')

  await romeo.sends`<message type="chat" to="ghost@a.test" id="m1"><body>Hello?</body></message>`
  await romeo.receives`<message type="error" from="ghost@a.test" id="m1"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  await refused(romeo.asks`<iq type="get" to="ghost@a.test"><ping xmlns="urn:xmpp:ping"/></iq>`, 'service-unavailable')
})
