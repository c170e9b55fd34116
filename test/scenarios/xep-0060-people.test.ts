import { expect } from '@jest/globals'
import { type Actor, any, scenario } from '@parley/testkit'
import {
  done,
  ERRORS,
  EVENT,
  form,
  get,
  ids,
  listen,
  OWNER,
  PUBSUB,
  publish,
  refusal,
  said,
  set,
} from './pep-client.ts'

const NODE = 'urn:example:notes'
const item = (id: string) => `<item id="${id}"><note xmlns="urn:note"/></item>`
const open = { access_model: 'open', max_items: 'max' }
const plain = (inside: string) => `<pubsub xmlns="${PUBSUB}">${inside}</pubsub>`
const owner = (inside: string) => `<pubsub xmlns="${OWNER}">${inside}</pubsub>`
const subscribe = (jid: { toString(): string }) => plain(`<subscribe node="${NODE}" jid="${jid}"/>`)
const unsubscribe = (jid: { toString(): string }, more = '') =>
  plain(`<unsubscribe node="${NODE}" jid="${jid}"${more}/>`)
const affiliate = (...pairs: [Actor, string][]) =>
  set(
    owner(
      `<affiliations node="${NODE}">${pairs.map(([{ bare }, what]) => `<affiliation jid="${bare}" affiliation="${what}"/>`).join('')}</affiliations>`,
    ),
  )
const items = plain(`<items node="${NODE}"/>`)

scenario(
  'XEP-0060 § 6.1: a stranger subscribes to an open node, gets the last item and what comes',
  async ({ server }) => {
    const [romeo, stranger] = await (await server('a.test')).join('romeo/orchard', 'stranger/road')
    await done(romeo, set(publish(NODE, item('a'), open)))
    const to = romeo.bare.text
    const answer = (await done(stranger, set(subscribe(stranger.bare), to)))?.child('subscription')
    expect(answer?.attrs).toMatchObject({ node: NODE, jid: stranger.bare.text, subscription: 'subscribed' })
    await stranger.receives`<message from="${to}" to="${stranger.bare}" type="headline"><event xmlns="${EVENT}"><items node="${NODE}"><item id="a"/></items></event><delay xmlns="urn:xmpp:delay" stamp="${any}"/></message>`
    await done(romeo, set(publish(NODE, item('b'))))
    await stranger.receives`<message from="${to}"><event xmlns="${EVENT}"><items node="${NODE}"><item id="b"/></items></event></message>`

    // Twice is once.
    const again = (await done(stranger, set(subscribe(stranger.bare), to)))?.child('subscription')
    expect(again?.attrs['subid']).toBe(answer?.attrs['subid'])
    await done(stranger, set(unsubscribe(stranger.bare), to))
    await done(romeo, set(publish(NODE, item('c'))))
    await stranger.receivesNothing()
  },
)

scenario('XEP-0060 § 6.1: who listens by capabilities and has subscribed hears once', async ({ server, befriend }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)
  await done(romeo, set(publish(NODE, item('a'), { ...open, send_last_published_item: 'never' })))
  await listen([juliet], NODE)
  for (const jid of [juliet.bare, juliet.jid]) await done(juliet, set(subscribe(jid), romeo.bare.text))
  await done(romeo, set(publish(NODE, item('b'))))
  await juliet.receives`<message to="${juliet}"><event xmlns="${EVENT}"><items node="${NODE}"><item id="b"/></items></event></message>`
  await juliet.receivesNothing()
  await romeo.settles()
})

scenario('XEP-0060 § 6.1.3: who cannot subscribe', async ({ server }) => {
  const config = { modules: { pep: { subscriptions: 1 } } }
  const [romeo, juliet, nurse] = await (await server('a.test', { config })).connect(
    'romeo/orchard',
    'juliet/balcony',
    'nurse/house',
  )
  const to = romeo.bare.text
  expect(await refusal(juliet, set(subscribe(juliet.bare), to))).toBe('item-not-found')
  await done(romeo, set(publish(NODE, item('a'), { access_model: 'presence' })))
  expect(await refusal(juliet, set(subscribe(juliet.bare), to))).toBe('not-authorized presence-subscription-required')
  expect(await refusal(juliet, set(subscribe(nurse.bare), to))).toBe('bad-request invalid-jid')
  expect(await said(juliet, set(subscribe(nurse.bare), to))).toBe('Subscribe yourself only')
  await done(romeo, affiliate([juliet, 'outcast']))
  expect(await refusal(juliet, set(subscribe(juliet.bare), to))).toBe('forbidden')
  expect(await said(juliet, get(items, to))).toBe('You may not read this node')
  const opened = form('node_config', { access_model: 'open', send_last_published_item: 'never' })
  await done(romeo, set(owner(`<configure node="${NODE}">${opened}</configure>`)))
  await done(nurse, set(subscribe(nurse.bare), to))
  expect(await refusal(nurse, set(subscribe(nurse.jid), to))).toBe('policy-violation too-many-subscriptions')
  expect(await said(nurse, set(subscribe(nurse.jid), to))).toBe('Too many subscriptions')
})

scenario('XEP-0060 § 6.2.3: what cannot be unsubscribed', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), { ...open, send_last_published_item: 'never' })))
  expect(await refusal(juliet, set(unsubscribe(juliet.bare), to))).toBe('unexpected-request not-subscribed')
  expect(await said(juliet, set(unsubscribe(juliet.bare), to))).toBe('There is no such subscription')
  await done(juliet, set(subscribe(juliet.bare), to))
  expect(await refusal(juliet, set(unsubscribe(juliet.bare, ' subid="x"'), to))).toBe('not-acceptable invalid-subid')
  expect(await said(juliet, set(unsubscribe(juliet.bare, ' subid="x"'), to))).toBe('The subscription has another id')
  // Owners end subscriptions in another way (§ 8.8.2).
  expect(await refusal(romeo, set(unsubscribe(juliet.bare), to))).toBe('forbidden')
  expect(await said(romeo, set(unsubscribe(juliet.bare), to))).toBe('Unsubscribe yourself only')
  const long = `${juliet.bare}/${'r'.repeat(1000)}`
  expect(await said(juliet, set(subscribe(long), to))).toBe('The address is too long to subscribe')
})

scenario('XEP-0060 § 5.6: what one is subscribed to, and what one is', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  for (const node of [NODE, 'urn:other'])
    await done(romeo, set(publish(node, item('a'), { ...open, send_last_published_item: 'never' })))
  await done(juliet, set(subscribe(juliet.bare), to))
  await done(romeo, affiliate([juliet, 'member']))
  const subscriptions = async (more = '') =>
    (await done(juliet, get(plain(`<subscriptions${more}/>`), to)))
      ?.firstElement()
      ?.elements()
      .map(({ attrs }) => [attrs['node'], attrs['jid']])
  expect(await subscriptions()).toEqual([[NODE, juliet.bare.text]])
  expect(await subscriptions(' node="urn:other"')).toEqual([])
  const affiliations = async (actor: Actor) =>
    (await done(actor, get(plain('<affiliations/>'), to)))
      ?.firstElement()
      ?.elements()
      .map(({ attrs }) => `${attrs['node']} ${attrs['affiliation']}`)
  expect(await affiliations(juliet)).toEqual([`${NODE} member`])
  expect(await affiliations(romeo)).toEqual([`${NODE} owner`, 'urn:other owner'])
})

scenario('XEP-0060 § 8.8: the owner sees subscriptions and ends them', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await done(romeo, set(publish(NODE, item('a'), { ...open, send_last_published_item: 'never' })))
  await done(juliet, set(subscribe(juliet.bare), romeo.bare.text))
  const list = owner(`<subscriptions node="${NODE}"/>`)
  const all = async () =>
    (await done(romeo, get(list)))
      ?.firstElement()
      ?.elements()
      .map(({ attrs }) => attrs['jid'])
  expect(await all()).toEqual([juliet.bare.text])
  expect(await refusal(juliet, get(list, romeo.bare.text))).toBe('forbidden')
  const changed = (what: string) =>
    set(
      owner(
        `<subscriptions node="${NODE}"><subscription jid="${juliet.bare}" subscription="${what}"/></subscriptions>`,
      ),
    )
  // As it is already, or as nothing says.
  await done(romeo, changed('subscribed'))
  await done(romeo, set(owner(`<subscriptions node="${NODE}"><subscription jid="${juliet.bare}"/></subscriptions>`)))
  expect(await all()).toEqual([juliet.bare.text])
  await done(romeo, changed('none'))
  expect(await all()).toEqual([])
  await juliet.receives`<message from="${romeo.bare}" to="${juliet.bare}"><event xmlns="${EVENT}"><subscription node="${NODE}" jid="${juliet.bare}" subscription="none"/></event></message>`
})

scenario('XEP-0060 § 8.8.1: who waits to be let in is not in the list of subscriptions', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const options = { access_model: 'authorize', send_last_published_item: 'never' }
  await done(romeo, set(publish(NODE, item('a'), options)))
  const asked = await done(juliet, set(subscribe(juliet.bare), romeo.bare.text))
  expect(asked?.child('subscription')?.attrs['subscription']).toBe('pending')
  const listed = await done(romeo, get(owner(`<subscriptions node="${NODE}"/>`)))
  expect(listed?.firstElement()?.elements()).toEqual([])
  await romeo.settles()
})

scenario(
  'XEP-0060 § 8.8.2: entries that cannot be changed come back as they are, the others are changed',
  async ({ server }) => {
    const [romeo, juliet, nurse] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'nurse/house')
    await done(romeo, set(publish(NODE, item('a'), { ...open, send_last_published_item: 'never' })))
    for (const actor of [juliet, nurse]) await done(actor, set(subscribe(actor.bare), romeo.bare.text))
    const entries: [Actor, string][] = [
      [juliet, 'none'],
      [nurse, 'unconfigured'],
      [romeo, 'subscribed'],
    ]
    const listed = entries.map(([{ bare }, state]) => `<subscription jid="${bare}" subscription="${state}"/>`).join('')
    const answer = await romeo.asksRaw(set(owner(`<subscriptions node="${NODE}">${listed}</subscriptions>`)))
    expect(answer.elements().map(({ name }) => name)).toEqual(['pubsub', 'error'])
    expect(answer.child('error')?.attrs['type']).toBe('modify')
    expect(answer.child('error')?.firstElement()?.name).toBe('not-acceptable')
    expect(answer.child('error')?.textOf('text', 'urn:ietf:params:xml:ns:xmpp-stanzas')).toBe(
      'A subscription can only be ended, or granted to who asks',
    )
    const left = answer.child('pubsub', OWNER)?.child('subscriptions')
    expect(left?.attrs['node']).toBe(NODE)
    expect(left?.elements().map(({ attrs }) => [attrs['jid'], attrs['subscription']])).toEqual([
      [nurse.bare.text, 'subscribed'],
      [romeo.bare.text, 'none'],
    ])
    await juliet.receives`<message><event xmlns="${EVENT}"><subscription node="${NODE}" jid="${juliet.bare}" subscription="none"/></event></message>`
    const found = await done(romeo, get(owner(`<subscriptions node="${NODE}"/>`)))
    expect(
      found
        ?.firstElement()
        ?.elements()
        .map(({ attrs }) => attrs['jid']),
    ).toEqual([nurse.bare.text])
  },
)

scenario('XEP-0060 § 8.9: whom a whitelist lets in, and who may publish', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect(
    'romeo/orchard',
    'juliet/balcony',
    'nurse/house',
  )
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), { access_model: 'whitelist', max_items: 'max' })))
  await done(romeo, affiliate([juliet, 'member'], [nurse, 'publisher']))
  expect(await ids(juliet, get(items, to))).toEqual(['a'])
  expect(await refusal(juliet, set(publish(NODE, item('b')), to))).toBe('forbidden')
  await done(nurse, set(publish(NODE, item('b')), to))
  expect(await ids(nurse, get(items, to))).toEqual(['b', 'a'])
  await done(romeo, affiliate([nurse, 'publish-only']))
  await done(nurse, set(publish(NODE, item('c')), to))
  expect(await refusal(nurse, get(items, to))).toBe('forbidden')

  const listed = (await done(romeo, get(owner(`<affiliations node="${NODE}"/>`))))?.firstElement()?.elements()
  expect(listed?.map(({ attrs }) => `${attrs['jid']} ${attrs['affiliation']}`).sort()).toEqual(
    [`${juliet.bare} member`, `${nurse.bare} publish-only`, `${romeo.bare} owner`].sort(),
  )
  await done(romeo, affiliate([juliet, 'none']))
  expect(await refusal(juliet, get(items, to))).toBe('not-allowed closed-node')
})

scenario('XEP-0060 § 7.1.3: whom an account made owner of a node overwrites what is there', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await done(romeo, set(publish(NODE, item('a'), open)))
  await done(romeo, affiliate([juliet, 'publisher']))
  const over = set(publish(NODE, '<item id="a"><note xmlns="urn:note">over</note></item>'), romeo.bare.text)
  expect(await refusal(juliet, over)).toBe('forbidden')
  await done(romeo, affiliate([juliet, 'owner']))
  await done(juliet, over)
  expect(String(await done(romeo, get(items)))).toContain('over')
})

scenario('XEP-0060 § 8.9.2: what cannot be made of people', async ({ server }) => {
  const config = { modules: { pep: { subscriptions: 1 } } }
  const [romeo, juliet, nurse] = await (await server('a.test', { config })).connect(
    'romeo/orchard',
    'juliet/balcony',
    'nurse/house',
  )
  await done(romeo, set(publish(NODE, item('a'))))
  expect(await said(romeo, affiliate([romeo, 'none']))).toBe('The owner stays the owner')
  expect(await said(romeo, affiliate([juliet, 'king']))).toBe('No such affiliation')
  expect(await said(romeo, affiliate([juliet, 'member'], [nurse, 'member']))).toBe('Too many affiliations')
})

scenario(
  'XEP-0060 § 8.9.2: affiliations that cannot be changed come back as they are, the others are changed',
  async ({ server }) => {
    const [romeo, juliet, nurse] = await (await server('a.test')).connect(
      'romeo/orchard',
      'juliet/balcony',
      'nurse/house',
    )
    await done(romeo, set(publish(NODE, item('a'))))
    await done(romeo, affiliate([nurse, 'member']))
    const answer = await romeo.asksRaw(affiliate([romeo, 'none'], [juliet, 'publisher'], [nurse, 'king']))
    expect(answer.child('error')?.firstElement()?.name).toBe('not-acceptable')
    const left = answer.child('pubsub', OWNER)?.child('affiliations')
    expect(left?.attrs['node']).toBe(NODE)
    expect(left?.elements().map(({ attrs }) => [attrs['jid'], attrs['affiliation']])).toEqual([
      [romeo.bare.text, 'owner'],
      [nurse.bare.text, 'member'],
    ])
    const all = (await done(romeo, get(owner(`<affiliations node="${NODE}"/>`))))?.firstElement()?.elements()
    expect(all?.map(({ attrs }) => `${attrs['jid']} ${attrs['affiliation']}`).sort()).toEqual([
      `${juliet.bare} publisher`,
      `${nurse.bare} member`,
      `${romeo.bare} owner`,
    ])
  },
)

scenario(
  'XEP-0060 § 8.9.2: nobody is named twice, and who is named without an affiliation stays',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
    await done(romeo, set(publish(NODE, item('a'))))
    const twice = affiliate([juliet, 'member'], [juliet, 'publisher'])
    expect(await refusal(romeo, twice)).toBe('bad-request')
    expect(await said(romeo, twice)).toBe('Somebody is named twice')
    await done(romeo, affiliate([juliet, 'member']))
    const nothing = `<affiliations node="${NODE}"><affiliation jid="${juliet.bare}"/></affiliations>`
    await done(romeo, set(owner(nothing)))
    const mine = await done(juliet, get(plain('<affiliations/>'), romeo.bare.text))
    expect(mine?.firstElement()?.firstElement()?.attrs['affiliation']).toBe('member')
  },
)

scenario('XEP-0060 § 4.5.1: publish models', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  const options = { ...open, send_last_published_item: 'never', publish_model: 'subscribers' }
  await done(romeo, set(publish(NODE, item('a'), options)))
  expect(await refusal(juliet, set(publish(NODE, item('b')), to))).toBe('forbidden')
  await done(juliet, set(subscribe(juliet.bare), to))
  await done(juliet, set(publish(NODE, item('b')), to))
  const everybody = form('node_config', { publish_model: 'open' })
  await done(romeo, set(owner(`<configure node="${NODE}">${everybody}</configure>`)))
  await done(juliet, set(unsubscribe(juliet.bare), to))
  await done(juliet, set(publish(NODE, item('c')), to))
})

scenario('XEP-0060 § 6.3.1: what is not spoken, and that is said', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const answer = await romeo.asksRaw(get(plain('<digest/>')))
  expect(answer.child('error')?.child('unsupported', ERRORS)?.attrs['feature']).toBe('digest')
})
