import { expect } from '@jest/globals'
import { refused, scenario } from '@parley/testkit'

const NS = 'jabber:iq:version'

scenario('XEP-0092 § 2: the host tells its software, never the machine below', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  const answer = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${NS}"/></iq>`
  expect(String(answer)).toBe(`<query xmlns="${NS}"><name>Parley</name><version>0</version></query>`)
})

scenario('XEP-0092 § 5: the operator can keep the version back', async ({ server }) => {
  const config = { modules: { version: { hidden: true } } }
  const [romeo] = await (await server('a.test', { config })).connect('romeo/orchard')

  const answer = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${NS}"/></iq>`
  expect(answer.textOf('version')).toBe('not told')
  await refused(romeo.asks`<iq type="set" to="a.test"><query xmlns="${NS}"/></iq>`, 'service-unavailable')
})
