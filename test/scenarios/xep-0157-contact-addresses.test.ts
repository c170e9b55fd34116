import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'

const INFO = 'http://jabber.org/protocol/disco#info'

scenario('XEP-0157 § 3: the host says whom to tell', async ({ server }) => {
  const contact = {
    abuse: ['mailto:abuse@a.test', 'xmpp:abuse@a.test'],
    security: ['mailto:security@a.test'],
    sales: [],
  }
  const [romeo] = await (await server('a.test', { config: { domains: ['a.test'], contact } })).connect('romeo/orchard')

  const info = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${INFO}"/></iq>`
  expect(String(info.child('x', 'jabber:x:data'))).toBe(
    '<x xmlns="jabber:x:data" type="result"><field var="FORM_TYPE" type="hidden"><value>http://jabber.org/network/serverinfo</value></field>' +
      '<field var="abuse-addresses" type="list-multi"><value>mailto:abuse@a.test</value><value>xmpp:abuse@a.test</value></field>' +
      '<field var="security-addresses" type="list-multi"><value>mailto:security@a.test</value></field></x>',
  )
})

scenario('XEP-0157 § 3: no form where the operator named nobody', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  const info = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${INFO}"/></iq>`
  expect(String(info)).not.toContain('serverinfo')
})
