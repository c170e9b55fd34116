import { expect } from '@jest/globals'
import { refused, scenario } from '@parley/testkit'

const NS = 'jabber:iq:last'

scenario(
  'XEP-0012 § 3: contacts hear when an account was last there, and with which words it left',
  async ({ server, befriend, after }) => {
    const stage = await server('a.test')
    const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
    await befriend(romeo, juliet)
    await juliet.sends`<presence type="unavailable"><status>Heading home</status></presence>`
    await juliet.settles()
    await romeo.settles()
    await juliet.leaves()
    await after('15m')

    const last = await romeo.asks`<iq type="get" to="${juliet.bare}"><query xmlns="${NS}"/></iq>`
    expect([last.attrs['seconds'], last.text()]).toEqual(['900', 'Heading home'])
  },
)

scenario(
  'XEP-0012 § 3: a connection that was lost leaves the last words that were said',
  async ({ server, befriend, after }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    await befriend(romeo, juliet)
    await juliet.sends`<presence><status>On the balcony</status></presence>`
    await juliet.settles()
    await juliet.losesConnection()
    await romeo.settles()
    await after('5s')

    const last = await romeo.asks`<iq type="get" to="${juliet.bare}"><query xmlns="${NS}"/></iq>`
    expect([last.attrs['seconds'], last.text()]).toEqual(['5', 'On the balcony'])
  },
)

scenario('XEP-0012 § 3: who is there now was last there now; who never was, never', async ({ server, befriend }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)

  const last = await romeo.asks`<iq type="get" to="${juliet.bare}"><query xmlns="${NS}"/></iq>`
  expect(last.attrs['seconds']).toBe('0')
  const [nurse] = await stage.connect('nurse/house')
  await refused(
    nurse.asks`<iq type="get" to="${nurse.bare}"><query xmlns="${NS}"/></iq>`,
    'item-not-found',
    'The account was never there',
  )
})

scenario('XEP-0012 § 4: strangers learn nothing, from the account or from its clients', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')

  for (const to of [juliet.bare, juliet, 'ghost@a.test'])
    await refused(romeo.asks`<iq type="get" to="${to}"><query xmlns="${NS}"/></iq>`, 'service-unavailable', '')
  await juliet.receivesNothing()
})

scenario('XEP-0012 § 4: a contact asks a client itself', async ({ server, befriend }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)

  await romeo.sends`<iq type="get" id="l1" to="${juliet}"><query xmlns="${NS}"/></iq>`
  await juliet.receives`<iq type="get" id="l1" from="${romeo}"><query xmlns="${NS}"/></iq>`
})

scenario('XEP-0012 § 5: the host says how long it runs', async ({ server, after }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await after('2h')

  const last = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${NS}"/></iq>`
  expect([last.attrs['seconds'], last.text()]).toEqual(['7200', ''])
})
