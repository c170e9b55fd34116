import { expect } from '@jest/globals'
import { refused, scenario } from '@parley/testkit'
import { MUC, USER } from './room.ts'

const SERVICE = 'conference.a.test'
const UNIQUE = `${MUC}#unique`

scenario('XEP-0307 § 2: the service gives a name that no room has', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const info =
    await romeo.asks`<iq type="get" to="${SERVICE}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  expect(info.childrenNamed('feature').map(({ attrs }) => attrs['var'])).toContain(UNIQUE)
  const names = new Set<string>()
  for (let n = 0; n < 10; n++) {
    names.add((await romeo.asks`<iq type="get" to="${SERVICE}"><unique xmlns="${UNIQUE}"/></iq>`).text())
  }
  expect(names.size).toBe(10)
  const [name = ''] = names
  await romeo.sends`<presence to="${name}@${SERVICE}/romeo"><x xmlns="${MUC}"/></presence>`
  await romeo.receives`<presence from="${name}@${SERVICE}/romeo"><x xmlns="${USER}"><status code="201"/></x></presence>`
  await romeo.settles()
})

scenario('XEP-0307 § 2: not for somebody who may make no rooms', async ({ server }) => {
  const config = { modules: { muc: { create: 'admins' } } }
  const [romeo] = await (await server('a.test', { config })).connect('romeo/orchard')
  await refused(
    romeo.asks`<iq type="get" to="${SERVICE}"><unique xmlns="${UNIQUE}"/></iq>`,
    'forbidden',
    'You could not make a room of that name',
  )
})
