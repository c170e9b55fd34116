import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import type { Element } from '@parley/xml'
import { done, EVENT, form, get, ids, listen, OWNER, PUBSUB, publish, refusal, said, set } from './pep-client.ts'

const NODE = 'urn:example:notes'
const item = (id: string) => `<item id="${id}"><note xmlns="urn:note"/></item>`
const create = (node?: string, more = '') =>
  set(`<pubsub xmlns="${PUBSUB}"><create${node === undefined ? '' : ` node="${node}"`}/>${more}</pubsub>`)
const owner = (inside: string) => `<pubsub xmlns="${OWNER}">${inside}</pubsub>`
const configure = (fields: Record<string, string | string[]>) =>
  set(owner(`<configure node="${NODE}">${form('node_config', fields)}</configure>`))
const items = get(`<pubsub xmlns="${PUBSUB}"><items node="${NODE}"/></pubsub>`)

/** Values of a configuration form, by name. */
function values(pubsub: Element | undefined): Record<string, string[]> {
  const x = pubsub?.firstElement()?.child('x', 'jabber:x:data')
  return Object.fromEntries(
    (x?.childrenNamed('field') ?? []).map(field => [
      field.attrs['var']?.replace('pubsub#', '') ?? '',
      field.childrenNamed('value').map(value => value.text()),
    ]),
  )
}

scenario('XEP-0060 § 8.1: nodes are made by name or without, configured or not', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await done(
    romeo,
    create(NODE, `<configure>${form('node_config', { access_model: 'open', title: 'Notes' })}</configure>`),
  )
  const config = values(await done(romeo, get(owner(`<configure node="${NODE}"/>`))))
  expect(config).toMatchObject({ access_model: ['open'], title: ['Notes'], max_items: ['1'] })
  const instant = (await done(romeo, create()))?.child('create')?.attrs['node']
  expect(instant).toMatch(/^[\w-]{36}$/)

  expect(await refusal(romeo, create(NODE))).toBe('conflict')
  expect(await said(romeo, create(NODE))).toBe('There is such a node already')
  const elsewhere = create('urn:new').replace('type="set"', `type="set" to="${romeo.bare}"`)
  expect(await refusal(juliet, elsewhere)).toBe('forbidden')
  expect(await said(juliet, elsewhere)).toBe('You may not create nodes here')
  const named = create('urn:new', `<configure node="urn:new">${form('node_config', {})}</configure>`)
  expect(await said(romeo, named)).toBe('The configuration of a new node does not name it')
})

scenario('XEP-0060 § 8.1.2: an access model that is not spoken', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const request = create(NODE, `<configure>${form('node_config', { access_model: 'payment' })}</configure>`)
  expect(await refusal(romeo, request)).toBe('not-acceptable unsupported-access-model')
  expect(await said(romeo, request)).toBe('No such access model')
})

scenario('XEP-0060 § 8.2: what is not filled in stays, and nonsense is refused', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await done(romeo, create(NODE))
  await done(romeo, configure({ title: 'Notes', max_items: '5', colour: 'red' }))
  await done(romeo, configure({ send_last_published_item: 'never', roster_groups_allowed: ['a', 'b'] }))
  const ask = get(owner(`<configure node="${NODE}"/>`))
  expect(values(await done(romeo, ask))).toMatchObject({
    title: ['Notes'],
    max_items: ['5'],
    send_last_published_item: ['never'],
    roster_groups_allowed: ['a', 'b'],
    access_model: ['presence'],
  })
  for (const [fields, text] of [
    [{ max_items: '-1' }, 'pubsub#max_items is a whole number or max'],
    [{ max_items: '1e9' }, 'pubsub#max_items is a whole number or max'],
    [{ publish_model: 'nobody' }, 'pubsub#publish_model has no such value'],
    [{ purge_offline: '1' }, 'pubsub#purge_offline cannot be that here'],
    [{ title: 'x'.repeat(1001) }, 'pubsub#title is too long'],
  ] as const)
    expect(await said(romeo, configure(fields))).toBe(text)
  expect(await said(romeo, set(owner(`<configure node="${NODE}"/>`)))).toBe('A form is needed')
  await done(romeo, set(owner(`<configure node="${NODE}"><x xmlns="jabber:x:data" type="cancel"/></configure>`)))
  expect(await refusal(romeo, set(owner('<configure/>')))).toBe('bad-request')
  expect(await refusal(romeo, get(owner('<configure/>')))).toBe('bad-request nodeid-required')
  expect(await refusal(romeo, get(owner('<configure node="urn:nothing"/>')))).toBe('item-not-found')
  const foreign = ask.replace('type="get"', `type="get" to="${romeo.bare}"`)
  expect(await refusal(juliet, foreign)).toBe('forbidden')
  expect(await said(juliet, foreign)).toBe('Only for owners of the node')
})

scenario('XEP-0060 § 8.2.5: fewer items are wanted, so the oldest go', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  for (const id of ['a', 'b', 'c']) await done(romeo, set(publish(NODE, item(id), { max_items: 'max' })))
  await done(romeo, configure({ max_items: '2' }))
  await done(romeo, configure({ max_items: '9' }))
  expect(await ids(romeo, items)).toEqual(['c', 'b'])
})

scenario('XEP-0060 § 8.3: the default configuration', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  expect(values(await done(romeo, get(owner('<default/>'))))).toMatchObject({
    access_model: ['presence'],
    send_last_published_item: ['on_sub_and_presence'],
    deliver_payloads: ['1'],
    max_items: ['1'],
  })
})

scenario('XEP-0060 § 8.4: a node is deleted, and those who listen hear where to go', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await listen([romeo], NODE)
  await done(romeo, set(publish(NODE, item('a'))))
  await romeo.settles()
  const uri = 'xmpp:romeo@a.test?;node=urn:new'
  await done(romeo, set(owner(`<delete node="${NODE}"><redirect uri="${uri}"/></delete>`)))
  await romeo.receives`<message from="${romeo.bare}"><event xmlns="${EVENT}"><delete node="${NODE}"><redirect uri="${uri}"/></delete></event></message>`
  expect(await refusal(romeo, items)).toBe('item-not-found')
  expect(await refusal(romeo, set(owner(`<delete node="${NODE}"/>`)))).toBe('item-not-found')
  await done(romeo, set(publish(NODE, item('b'), { notify_delete: '0' })))
  await romeo.settles()
  await done(romeo, set(owner(`<delete node="${NODE}"/>`)))
  await romeo.receivesNothing()
})

scenario('XEP-0060 § 8.5: all items go at once', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await listen([romeo], NODE)
  for (const id of ['a', 'b']) await done(romeo, set(publish(NODE, item(id), { max_items: 'max' })))
  await romeo.settles()
  await done(romeo, set(owner(`<purge node="${NODE}"/>`)))
  await romeo.receives`<message><event xmlns="${EVENT}"><purge node="${NODE}"/></event></message>`
  expect(await ids(romeo, items)).toEqual([])
  await done(romeo, configure({ notify_retract: '0' }))
  await done(romeo, set(owner(`<purge node="${NODE}"/>`)))
  await romeo.receivesNothing()
})

scenario('XEP-0060 § 8.4: an account that is removed leaves no nodes', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  await done(romeo, set(publish(NODE, item('a'), { access_model: 'open' })))
  const ask = items.replace('type="get"', `type="get" to="${romeo.bare}"`)
  expect(await ids(juliet, ask)).toEqual(['a'])
  await stage.host.accounts.remove(romeo.bare, 0)
  await stage.account('romeo')
  expect(await refusal(juliet, ask)).toBe('item-not-found')
  await romeo.settles()
})
