import { expect } from '@jest/globals'
import { type Actor, any, scenario } from '@parley/testkit'
import { done, EVENT, form, get, ids, OWNER, PUBSUB, publish, refusal, said, set } from './pep-client.ts'

const TO = 'pubsub.a.test'
const NODE = 'princely_musings'
const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const COMMANDS = 'http://jabber.org/protocol/commands'
const item = (id: string) => `<item id="${id}"><note xmlns="urn:note"/></item>`
const plain = (inside: string) => `<pubsub xmlns="${PUBSUB}">${inside}</pubsub>`
const owner = (inside: string) => `<pubsub xmlns="${OWNER}">${inside}</pubsub>`
const create = (node: string, fields: Record<string, string> = {}) =>
  set(plain(`<create node="${node}"/><configure>${form('node_config', fields)}</configure>`), TO)
const publishing = (node: string, one: string) => set(publish(node, one), TO)
const subscribe = (jid: { toString(): string }) => plain(`<subscribe node="${NODE}" jid="${jid}"/>`)
const affiliate = ({ bare }: Actor, what: string) =>
  set(owner(`<affiliations node="${NODE}"><affiliation jid="${bare}" affiliation="${what}"/></affiliations>`), TO)
const items = get(plain(`<items node="${NODE}"/>`), TO)
const news = (to: Actor, id: string) =>
  to.receives`<message from="${TO}" to="${to.bare}" type="headline"><event xmlns="${EVENT}"><items node="${NODE}"><item id="${id}"/></items></event></message>`
const names = async (actor: Actor, xml: string) =>
  (await done(actor, xml))?.elements().map(({ attrs, name }) => attrs['node'] ?? attrs['name'] ?? name)

scenario(
  'XEP-0060 § 8.1: somebody makes a node at the service, and others hear what is published',
  async ({ server }) => {
    const [hamlet, ophelia, francisco] = await (await server('a.test')).join(
      'hamlet/elsinore',
      'ophelia/brook',
      'francisco/wall',
    )
    await done(hamlet, create(NODE, { title: 'Musings' }))
    for (const actor of [ophelia, francisco]) await done(actor, set(subscribe(actor.bare), TO))
    await done(hamlet, set(publish(NODE, item('a')), TO))
    for (const actor of [ophelia, francisco]) await news(actor, 'a')
    await hamlet.receivesNothing()
    expect(await ids(ophelia, items)).toEqual(['a'])
    await done(ophelia, set(plain(`<unsubscribe node="${NODE}" jid="${ophelia.bare}"/>`), TO))
    await done(hamlet, set(plain(`<retract node="${NODE}" notify="1"><item id="a"/></retract>`), TO))
    await francisco.receives`<message from="${TO}"><event xmlns="${EVENT}"><items node="${NODE}"><retract id="a"/></items></event></message>`
    await ophelia.receivesNothing()
    await done(hamlet, set(owner(`<delete node="${NODE}"/>`), TO))
    await francisco.receives`<message from="${TO}"><event xmlns="${EVENT}"><delete node="${NODE}"/></event></message>`
    expect(await refusal(hamlet, items)).toBe('item-not-found')
  },
)

scenario('XEP-0060 § 6.1.4: who subscribes gets the last item', async ({ server }) => {
  const [hamlet, ophelia] = await (await server('a.test')).join('hamlet/elsinore', 'ophelia/brook')
  await done(hamlet, set(publish(NODE, item('a')), TO))
  await done(ophelia, set(subscribe(ophelia.bare), TO))
  await ophelia.receives`<message from="${TO}" to="${ophelia.bare}"><event xmlns="${EVENT}"><items node="${NODE}"><item id="a"/></items></event><delay xmlns="urn:xmpp:delay" stamp="${any}"/></message>`
})

scenario('XEP-0060 § 5.1: what the service is, which nodes it has, and what they are like', async ({ server }) => {
  const [hamlet, ophelia] = await (await server('a.test')).connect('hamlet/elsinore', 'ophelia/brook')
  await done(hamlet, create('open', { title: 'Open to all' }))
  await done(hamlet, create('asked', { access_model: 'authorize' }))
  await done(hamlet, create('secret', { access_model: 'whitelist' }))
  await done(hamlet, set(publish('open', item('a')), TO))
  expect(await names(ophelia, get(`<query xmlns="${ITEMS}"/>`, 'a.test'))).toContain('Publish-subscribe')
  const info = await done(ophelia, get(`<query xmlns="${INFO}"/>`, TO))
  expect(info?.child('identity')?.attrs).toMatchObject({ category: 'pubsub', type: 'service' })
  const features = info?.childrenNamed('feature').map(({ attrs }) => attrs['var'])
  expect(features).toEqual(expect.arrayContaining([PUBSUB, `${PUBSUB}#publish`, `${PUBSUB}#access-authorize`]))
  expect(features).not.toContain(`${PUBSUB}#access-presence`)
  // § 4.3: nor what needs the presence of subscribers.
  expect(features).not.toContain(`${PUBSUB}#last-published`)

  expect(await names(ophelia, get(`<query xmlns="${ITEMS}"/>`, TO))).toEqual(['asked', 'open'])
  expect(await names(hamlet, get(`<query xmlns="${ITEMS}"/>`, TO))).toEqual(['asked', 'open', 'secret'])
  const page = `<query xmlns="${ITEMS}"><set xmlns="http://jabber.org/protocol/rsm"><max>1</max></set></query>`
  expect(await names(hamlet, get(page, TO))).toEqual(['asked', 'set'])
  expect(await names(ophelia, get(`<query xmlns="${ITEMS}" node="open"/>`, TO))).toEqual(['a'])
  const about = await done(ophelia, get(`<query xmlns="${INFO}" node="open"/>`, TO))
  expect(about?.child('identity')?.attrs).toMatchObject({ category: 'pubsub', type: 'leaf' })
  const fields = about?.child('x', 'jabber:x:data')?.childrenNamed('field') ?? []
  const values = Object.fromEntries(fields.map(one => [one.attrs['var'], one.child('value')?.text()]))
  expect(values).toMatchObject({
    'pubsub#title': 'Open to all',
    'pubsub#creator': hamlet.bare.text,
    'pubsub#access_model': 'open',
  })
  // Whoever may ask to be let in may know of the node, and of nothing that it holds.
  expect(
    (await done(ophelia, get(`<query xmlns="${INFO}" node="asked"/>`, TO)))?.child('x', 'jabber:x:data'),
  ).toBeDefined()
  const inside = get(`<query xmlns="${ITEMS}" node="asked"/>`, TO)
  expect(await said(ophelia, inside)).toBe('What the node holds is for subscribers')
  for (const ns of [INFO, ITEMS])
    expect(await said(ophelia, get(`<query xmlns="${ns}" node="secret"/>`, TO))).toBe('No such node for you')
})

scenario('XEP-0059 § 2.2: who asks for a page of nodes or of ids hears which one it is', async ({ server }) => {
  const [hamlet] = await (await server('a.test')).connect('hamlet/elsinore')
  const asked = async (inside: string, more = '') => {
    const page = `<query xmlns="${ITEMS}"${more}><set xmlns="http://jabber.org/protocol/rsm">${inside}</set></query>`
    const query = await done(hamlet, get(page, TO))
    return [query?.childrenNamed('item').length, query?.child('set', 'http://jabber.org/protocol/rsm')?.toString()]
  }
  const set = (first: string, last: string, index: number, count: number) =>
    `<set xmlns="http://jabber.org/protocol/rsm"><first index="${index}">${first}</first><last>${last}</last><count>${count}</count></set>`
  expect(await asked('<max>9</max>')).toEqual([0, undefined])
  for (const node of ['a', 'b']) await done(hamlet, create(node))
  expect(await asked('<max>9</max>')).toEqual([2, set('a', 'b', 0, 2)])
  expect(await asked('<max>1</max><after>a</after>')).toEqual([1, set('b', 'b', 1, 2)])
  expect(await names(hamlet, get(`<query xmlns="${ITEMS}"/>`, TO))).toEqual(['a', 'b'])

  for (const id of ['one', 'two']) await done(hamlet, publishing('a', item(id)))
  expect(await asked('', ' node="a"')).toEqual([2, set('two', 'one', 0, 2)])
  expect(await asked('<max>1</max>', ' node="a"')).toEqual([1, set('two', 'two', 0, 2)])
})

scenario('XEP-0060 § 8.1.3: what nodes cannot be at a service', async ({ server }) => {
  const [hamlet] = await (await server('a.test')).connect('hamlet/elsinore')
  for (const access_model of ['presence', 'roster'])
    expect(await refusal(hamlet, create(NODE, { access_model }))).toBe('not-acceptable unsupported-access-model')
  expect(await said(hamlet, create(NODE, { node_type: 'collection' }))).toBe('pubsub#node_type cannot be that here')
  const form = await done(hamlet, get(owner('<default/>'), TO))
  expect(String(form)).toContain('authorize')
  expect(String(form)).not.toContain('roster')
})

scenario('XEP-0060 § 8.9: owners and publishers of a node, and nobody else', async ({ server }) => {
  const [hamlet, ophelia, yorick] = await (await server('a.test')).join(
    'hamlet/elsinore',
    'ophelia/brook',
    'yorick/grave',
  )
  await done(hamlet, create(NODE))
  expect(await refusal(ophelia, set(publish(NODE, item('x')), TO))).toBe('forbidden')
  for (const inside of [
    `<delete node="${NODE}"/>`,
    `<purge node="${NODE}"/>`,
    `<affiliations node="${NODE}"/>`,
    `<configure node="${NODE}">${form('node_config', { title: 'Mine' })}</configure>`,
  ])
    expect(await refusal(yorick, set(owner(inside), TO))).toBe('forbidden')
  expect(await refusal(yorick, set(owner('<delete node="none"/>'), TO))).toBe('item-not-found')
  const nothing = set(plain('<retract node="none"><item id="a"/></retract>'), TO)
  expect(await refusal(yorick, nothing)).toBe('item-not-found')

  await done(hamlet, affiliate(ophelia, 'publisher'))
  await done(ophelia, set(publish(NODE, item('b')), TO))
  expect(await said(hamlet, affiliate(hamlet, 'none'))).toBe('A node needs an owner')
  const refused = await hamlet.asksRaw(affiliate(hamlet, 'publisher'))
  expect(refused.child('pubsub', OWNER)?.child('affiliations')?.firstElement()?.attrs).toMatchObject({
    jid: hamlet.bare.text,
    affiliation: 'owner',
  })
  await done(hamlet, affiliate(yorick, 'owner'))
  await done(hamlet, affiliate(hamlet, 'none'))
  expect(await refusal(hamlet, set(owner(`<purge node="${NODE}"/>`), TO))).toBe('forbidden')
  const all = (await done(yorick, get(owner(`<affiliations node="${NODE}"/>`), TO)))?.firstElement()?.elements()
  expect(all?.map(({ attrs }) => `${attrs['jid']} ${attrs['affiliation']}`).sort()).toEqual([
    `${ophelia.bare} publisher`,
    `${yorick.bare} owner`,
  ])
  const mine = (await done(ophelia, get(plain('<affiliations/>'), TO)))?.firstElement()?.elements()
  expect(mine?.map(({ attrs }) => `${attrs['node']} ${attrs['affiliation']}`)).toEqual([`${NODE} publisher`])
})

scenario(
  'XEP-0060 § 7.1.3: the owner of a node overwrites what a publisher has put there, another publisher does not',
  async ({ server }) => {
    const [hamlet, ophelia, yorick] = await (await server('a.test')).join(
      'hamlet/elsinore',
      'ophelia/brook',
      'yorick/grave',
    )
    await done(hamlet, create(NODE))
    for (const actor of [ophelia, yorick]) await done(hamlet, affiliate(actor, 'publisher'))
    await done(ophelia, set(publish(NODE, '<item id="a"><note xmlns="urn:note">hers</note></item>'), TO))
    const over = set(publish(NODE, '<item id="a"><note xmlns="urn:note">over</note></item>'), TO)
    expect(await refusal(yorick, over)).toBe('forbidden')
    expect(await said(yorick, over)).toBe('The item is of somebody else')
    await done(hamlet, over)
    expect((await done(ophelia, items))?.child('items')?.child('item')?.firstElement()?.text()).toBe('over')
  },
)

scenario('XEP-0060 § 8.6: a node where owners let people in', async ({ server }) => {
  const [hamlet, ophelia] = await (await server('a.test')).join('hamlet/elsinore', 'ophelia/brook')
  await done(hamlet, create(NODE, { access_model: 'authorize', send_last_published_item: 'never' }))
  const asked = await done(ophelia, set(subscribe(ophelia.bare), TO))
  expect(asked?.child('subscription')?.attrs['subscription']).toBe('pending')
  const request = () =>
    hamlet.receives`<message from="${TO}" to="${hamlet.bare}"><x xmlns="jabber:x:data" type="form"><field var="pubsub#subscriber_jid"><value>${ophelia.bare}</value></field></x></message>`
  await request()
  const field = (name: string, value: string) => `<field var="${name}"><value>${value}</value></field>`
  const kind = field('FORM_TYPE', `${PUBSUB}#subscribe_authorization`)
  const pending = set(
    `<command xmlns="${COMMANDS}" node="${PUBSUB}#get-pending"><x xmlns="jabber:x:data" type="submit">${kind}${field('pubsub#node', NODE)}</x></command>`,
    TO,
  )
  expect(await refusal(ophelia, pending)).toBe('forbidden')
  await done(hamlet, pending)
  await hamlet.receives`<message from="${TO}" to="${hamlet}"><x xmlns="jabber:x:data" type="form"/></message>`
  const answer = `<x xmlns="jabber:x:data" type="submit">${kind}${field('pubsub#node', NODE)}${field('pubsub#subscriber_jid', ophelia.bare.text)}${field('pubsub#allow', '1')}</x>`
  await ophelia.sendsRaw(`<message to="${TO}" id="m">${answer}</message>`)
  await ophelia.receives`<message id="m" type="error"><error><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  await hamlet.sendsRaw(`<message to="${TO}">${answer}</message>`)
  await ophelia.receives`<message from="${TO}"><event xmlns="${EVENT}"><subscription node="${NODE}" subscription="subscribed"/></event></message>`
  await done(hamlet, set(publish(NODE, item('a')), TO))
  await news(ophelia, 'a')
  expect(await names(hamlet, get(`<query xmlns="${ITEMS}" node="${COMMANDS}"/>`, TO))).toEqual([
    `${PUBSUB}#get-pending`,
  ])
  for (const node of [COMMANDS, `${PUBSUB}#get-pending`])
    expect((await done(hamlet, get(`<query xmlns="${INFO}" node="${node}"/>`, TO)))?.child('identity')).toBeDefined()
})

scenario('XEP-0060 § 8.1.2: who may make nodes, and how many', async ({ server }) => {
  const config = { modules: { pubsub: { nodes: 3, owned: 2 } } }
  const [hamlet, ophelia] = await (await server('a.test', { config })).connect('hamlet/elsinore', 'ophelia/brook')
  for (const node of ['a', 'b']) await done(hamlet, create(node))
  expect(await refusal(hamlet, create('c'))).toBe('resource-constraint')
  expect(await refusal(hamlet, set(publish('c', item('x')), TO))).toBe('resource-constraint')
  await done(ophelia, set(publish('c', item('x')), TO))
  expect(await said(ophelia, create('d'))).toBe('Too many nodes')
})

scenario(
  'XEP-0060 § 8.1.2: only admins make nodes where the operator says so, and they own all',
  async ({ server }) => {
    const config = {
      domains: { 'a.test': { admins: ['admin@a.test'] } },
      modules: { pubsub: { create: 'admins' } },
    }
    const [admin, ophelia] = await (await server('a.test', { config })).connect('admin/desk', 'ophelia/brook')
    expect(await said(ophelia, create(NODE))).toBe('You may not create nodes here')
    expect(await refusal(ophelia, set(publish(NODE, item('x')), TO))).toBe('item-not-found')
    await done(admin, create(NODE))
    await done(admin, affiliate(ophelia, 'owner'))
    await done(admin, affiliate(admin, 'none'))
    await done(admin, set(owner(`<delete node="${NODE}"/>`), TO))
  },
)

scenario(
  'XEP-0060 § 4.1: an account that is removed is nobody at the service, and whoever has its name next',
  async ({ server }) => {
    const stage = await server('a.test')
    const [hamlet, ophelia] = await stage.join('hamlet/elsinore', 'ophelia/brook')
    await done(hamlet, create(NODE, { access_model: 'whitelist' }))
    await done(hamlet, affiliate(ophelia, 'owner'))
    await done(ophelia, set(subscribe(ophelia.bare), TO))
    await stage.host.accounts.remove(ophelia.bare, 0)
    await ophelia.settles()
    const [namesake] = await stage.join('ophelia/other')
    await done(hamlet, set(publish(NODE, item('a')), TO))
    await namesake.receivesNothing()
    expect(await refusal(namesake, items)).toBe('not-allowed closed-node')
    const list = (await done(hamlet, get(owner(`<subscriptions node="${NODE}"/>`), TO)))?.firstElement()?.elements()
    expect(list).toEqual([])
  },
)

scenario('XEP-0060 § 12.2: what is sent to the service and asks for nothing', async ({ server }) => {
  const [hamlet] = await (await server('a.test')).connect('hamlet/elsinore')
  await hamlet.sends`<message to="${TO}" id="m"><body>Words</body></message>`
  await hamlet.receives`<message id="m" type="error"><error><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  await hamlet.sends`<presence to="${TO}"/>`
  await hamlet.sends`<message to="${TO}" type="error"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  expect(await refusal(hamlet, set(owner('<delete node="x"/>'), `somebody@${TO}`))).toBe('service-unavailable')
  await hamlet.receivesNothing()
})
