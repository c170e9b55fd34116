import { refused, scenario } from '@parley/testkit'

scenario('XEP-0199 § 4.2: the server answers a ping', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  await romeo.asks`<iq type="get" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>`
})

scenario('XEP-0199 § 4.4: a client pings its own account', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  await romeo.asks`<iq type="get"><ping xmlns="urn:xmpp:ping"/></iq>`
})

scenario('RFC 6120 § 8.4: a request that nobody understands is refused', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  await refused(romeo.asks`<iq type="get" to="a.test"><nope xmlns="urn:x"/></iq>`, 'service-unavailable')
})
