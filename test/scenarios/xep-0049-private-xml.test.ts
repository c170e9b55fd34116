import { expect } from '@jest/globals'
import { refused, scenario } from '@parley/testkit'

const NS = 'jabber:iq:private'

scenario('XEP-0049 § 2.2: what was stored comes back, for each name and namespace', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  await romeo.asks`<iq type="set"><query xmlns="${NS}"><exodus xmlns="exodus:prefs"><nick>Romeo &amp; co</nick></exodus><other xmlns="urn:x"/></query></iq>`

  const [phone] = await stage.connect('romeo/phone')
  const found = await phone.asks`<iq type="get"><query xmlns="${NS}"><exodus xmlns="exodus:prefs"/></query></iq>`
  expect(String(found)).toBe(
    `<query xmlns="${NS}"><exodus xmlns="exodus:prefs"><nick>Romeo &amp; co</nick></exodus></query>`,
  )
  await phone.asks`<iq type="set"><query xmlns="${NS}"><exodus xmlns="exodus:prefs"/></query></iq>`
  const replaced = await romeo.asks`<iq type="get"><query xmlns="${NS}"><exodus xmlns="exodus:prefs"/></query></iq>`
  expect(String(replaced)).toBe(`<query xmlns="${NS}"><exodus xmlns="exodus:prefs"/></query>`)
  const nothing = await romeo.asks`<iq type="get"><query xmlns="${NS}"><exodus xmlns="urn:x"/></query></iq>`
  expect(String(nothing)).toBe(`<query xmlns="${NS}"><exodus xmlns="urn:x"/></query>`)
})

scenario('XEP-0049 § 3: what cannot be stored or asked for is refused', async ({ server }) => {
  const config = { modules: { 'private-xml': { elements: 2 } } }
  const [romeo] = await (await server('a.test', { config })).connect('romeo/orchard')

  await refused(romeo.asks`<iq type="set"><query xmlns="${NS}"/></iq>`, 'bad-request', 'Nothing to store')
  await refused(
    romeo.asks`<iq type="get"><query xmlns="${NS}"/></iq>`,
    'bad-request',
    'One element is asked for at a time',
  )
  await refused(
    romeo.asks`<iq type="get"><query xmlns="${NS}"><a xmlns="urn:a"/><b xmlns="urn:b"/></query></iq>`,
    'bad-request',
    'One element is asked for at a time',
  )
  await refused(
    romeo.asks`<iq type="set"><query xmlns="${NS}"><a/></query></iq>`,
    'not-acceptable',
    'An element without a namespace',
  )
  const long = 'n'.repeat(1000)
  await refused(
    romeo.asks`<iq type="set"><query xmlns="${NS}"><a xmlns="${long}"/></query></iq>`,
    'not-acceptable',
    'The name of an element is too long',
  )
  const none = await romeo.asks`<iq type="get"><query xmlns="${NS}"><a xmlns="${long}"/></query></iq>`
  expect(none.elements().length).toBe(1)
  await romeo.asks`<iq type="set"><query xmlns="${NS}"><a xmlns="urn:1"/><a xmlns="urn:2"/></query></iq>`
  await refused(
    romeo.asks`<iq type="set"><query xmlns="${NS}"><a xmlns="urn:3"/></query></iq>`,
    'resource-constraint',
    'Too many elements are stored',
  )
  await romeo.asks`<iq type="set"><query xmlns="${NS}"><a xmlns="urn:2"/></query></iq>`
})

scenario('XEP-0049 § 3: nobody else reads or writes it', async ({ server, befriend }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)

  await refused(
    juliet.asks`<iq type="get" to="${romeo.bare}"><query xmlns="${NS}"><a xmlns="urn:a"/></query></iq>`,
    'service-unavailable',
  )
  await refused(
    juliet.asks`<iq type="set" to="${romeo.bare}"><query xmlns="${NS}"><a xmlns="urn:a"/></query></iq>`,
    'service-unavailable',
  )
})
