import { expect } from '@jest/globals'
import { refused, scenario } from '@parley/testkit'

const NS = 'urn:xmpp:time'

scenario('XEP-0202 § 3: the host tells the time in UTC', async ({ server, after }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await after('90s')

  const answer = await romeo.asks`<iq type="get" to="a.test"><time xmlns="${NS}"/></iq>`
  expect([answer.textOf('tzo'), answer.textOf('utc')]).toEqual(['Z', '2026-01-01T12:01:30.000Z'])
  await refused(romeo.asks`<iq type="set" to="a.test"><time xmlns="${NS}"/></iq>`, 'service-unavailable')
})
