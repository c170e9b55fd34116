import { expect } from '@jest/globals'
import { refused, scenario } from '@parley/testkit'

const NS = 'vcard-temp'

scenario('XEP-0054 § 3: a vCard is published, replaced, and read by everybody', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  await refused(romeo.asks`<iq type="get"><vCard xmlns="${NS}"/></iq>`, 'item-not-found', 'You have no vCard yet')
  await romeo.asks`<iq type="set"><vCard xmlns="${NS}"><FN>Romeo</FN></vCard></iq>`
  await romeo.asks`<iq type="set"><vCard xmlns="${NS}"><FN>Romeo M.</FN></vCard></iq>`

  for (const actor of [romeo, juliet]) {
    const card = await actor.asks`<iq type="get" to="${romeo.bare}"><vCard xmlns="${NS}"/></iq>`
    expect(String(card)).toBe(`<vCard xmlns="${NS}"><FN>Romeo M.</FN></vCard>`)
  }
})

scenario('XEP-0054 § 3.3: no vCard looks like no account', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  await stage.account('juliet')

  for (const to of ['juliet@a.test', 'ghost@a.test'])
    await refused(romeo.asks`<iq type="get" to="${to}"><vCard xmlns="${NS}"/></iq>`, 'service-unavailable', '')
})

scenario('XEP-0054 § 3.2: nobody publishes for somebody else, and nothing too large', async ({ server }) => {
  const config = { modules: { vcard: { bytes: 2000 } } }
  const [romeo, juliet] = await (await server('a.test', { config })).connect('romeo/orchard', 'juliet/balcony')

  await refused(
    juliet.asks`<iq type="set" to="${romeo.bare}"><vCard xmlns="${NS}"><FN>Me</FN></vCard></iq>`,
    'service-unavailable',
  )
  await refused(
    romeo.asks`<iq type="set"><vCard xmlns="${NS}"><PHOTO><BINVAL>${'A'.repeat(2000)}</BINVAL></PHOTO></vCard></iq>`,
    'not-acceptable',
    'The vCard is too large',
  )
})
