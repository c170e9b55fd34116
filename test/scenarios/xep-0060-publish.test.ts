import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
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
const note = (id?: string, text = '') => `<item${id ? ` id="${id}"` : ''}><note xmlns="urn:note">${text}</note></item>`
const items = (more = '', inside = '', beside = '') =>
  `<pubsub xmlns="${PUBSUB}"><items node="${NODE}"${more}>${inside}</items>${beside}</pubsub>`
const retract = (id: string, more = '') =>
  set(`<pubsub xmlns="${PUBSUB}"><retract node="${NODE}"${more}><item id="${id}"/></retract></pubsub>`)
const configure = (fields: Record<string, string | string[]>) =>
  set(`<pubsub xmlns="${OWNER}"><configure node="${NODE}">${form('node_config', fields)}</configure></pubsub>`)

scenario('XEP-0060 § 7.1: the first publish makes the node; an item without an id gets one', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const answer = await done(romeo, set(publish(NODE, note(undefined, 'first'))))
  const id = answer?.child('publish')?.child('item')?.attrs['id']
  expect(id).toMatch(/^[\w-]{36}$/)
  const all = await done(romeo, get(items()))
  expect(String(all?.child('items')?.child('item'))).toBe(
    `<item xmlns="${PUBSUB}" id="${id}"><note xmlns="urn:note">first</note></item>`,
  )
})

scenario('XEP-0060 § 7.1.2: publishing an id again replaces the item', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const options = { max_items: 'max' }
  for (const text of ['one', 'two']) await done(romeo, set(publish(NODE, note('a', text), options)))
  const found = (await done(romeo, get(items())))?.child('items')?.childrenNamed('item')
  expect(found?.map(item => item.firstElement()?.text())).toEqual(['two'])
})

scenario('XEP-0060 § 7.1.3: what is wrong with a publish is said', async ({ server }) => {
  const config = { modules: { pep: { bytes: 1000, nodes: 1 } } }
  const stage = await server('a.test', { config })
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  const bad: [string, string, string][] = [
    [publish(NODE, ''), 'bad-request item-required', 'An item is needed'],
    [publish(NODE, '<item id="a"/>'), 'bad-request payload-required', 'A payload is needed'],
    [publish(NODE, note('a') + note('b')), 'bad-request invalid-payload', 'One item at a time'],
    [
      publish(NODE, '<item><a xmlns="x"/><b xmlns="x"/></item>'),
      'bad-request invalid-payload',
      'One payload in an item',
    ],
    [publish('', note('a')), 'bad-request nodeid-required', 'The node is not named'],
    [publish(NODE, note('a', 'x'.repeat(1000))), 'not-acceptable payload-too-big', 'The payload is too large'],
    [publish('n'.repeat(501), note('a')), 'not-acceptable', 'A name of a node or item is empty or too long'],
    [publish(NODE, note('i'.repeat(501))), 'not-acceptable', 'A name of a node or item is empty or too long'],
    [`<pubsub xmlns="${PUBSUB}"/>`, 'bad-request', 'Nothing is asked for'],
    [`<pubsub xmlns="${PUBSUB}"><sing/></pubsub>`, 'feature-not-implemented unsupported', 'Not spoken here'],
  ]
  for (const [payload, condition, text] of bad) {
    expect(await refusal(romeo, set(payload))).toBe(condition)
    expect(await said(romeo, set(payload))).toBe(text)
  }
  expect(await refusal(juliet, set(publish(NODE, note('a')), romeo.bare.text))).toBe('forbidden')
  await done(romeo, set(publish(NODE, note('a'))))
  expect(await said(juliet, set(publish(NODE, note('a')), romeo.bare.text))).toBe('You may not publish here')
  expect(await said(romeo, set(publish('urn:second', note('a'))))).toBe('Too many nodes')
  // A node may be narrower than the service.
  await done(romeo, configure({ max_payload_size: '20' }))
  expect(await refusal(romeo, set(publish(NODE, note('a', 'too long'))))).toBe('not-acceptable payload-too-big')
})

scenario('XEP-0060 § 7.1.3.6: what is to be published goes by the kind of the node', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await listen([romeo], NODE)
  const bell = { persist_items: 'false', deliver_payloads: 'false' }
  const answer = await done(romeo, set(publish(NODE, '', bell)))
  expect(String(answer?.child('publish'))).toBe(`<publish xmlns="${PUBSUB}" node="${NODE}"/>`)
  await romeo.receives`<message><event xmlns="${EVENT}"><items node="${NODE}"/></event></message>`
  expect(await refusal(romeo, set(publish(NODE, note('a'))))).toBe('bad-request item-forbidden')
  expect(await said(romeo, set(publish(NODE, note('a'))))).toBe('The node tells that something happened, not what')

  await done(romeo, configure({ persist_items: 'true' }))
  expect(await refusal(romeo, set(publish(NODE, '')))).toBe('bad-request item-required')
  await done(romeo, set(publish(NODE, '<item id="b"/>')))
  await romeo.receives`<message><event xmlns="${EVENT}"><items node="${NODE}"><item id="b"/></items></event></message>`
  expect(await ids(romeo, get(items()))).toEqual(['b'])

  await done(romeo, configure({ persist_items: 'false', deliver_payloads: 'true' }))
  expect(await refusal(romeo, set(publish(NODE, '')))).toBe('bad-request payload-required')
})

scenario('XEP-0060 § 7.1.5: options make a new node, and are conditions for one that is there', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const open = { access_model: 'open', persist_items: 'true', max_items: 'max' }
  await done(romeo, set(publish(NODE, note('a'), open)))
  await done(romeo, set(publish(NODE, note('b'), open)))
  const closed = set(publish(NODE, note('c'), { access_model: 'whitelist' }))
  expect(await refusal(romeo, closed)).toBe('conflict precondition-not-met')
  expect(await said(romeo, closed)).toBe('The node is not as you want it')
  expect(await ids(romeo, get(items()))).toEqual(['b', 'a'])
  // It is never a dead end: the owner changes the node, and the same publish succeeds.
  await done(romeo, configure({ access_model: 'whitelist' }))
  await done(romeo, closed)

  const strange = set(publish(NODE, note('d'), { colour: 'red' }))
  expect(await refusal(romeo, strange)).toBe('conflict precondition-not-met')
  expect(await said(romeo, strange)).toBe('pubsub#colour is not known here')
  // The largest number that there can be is as good as max.
  await done(romeo, set(publish(NODE, note('e'), { max_items: '1000000' })))
})

scenario('XEP-0060 § 6.5: all items, the newest few, some by id, none', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  for (const id of ['a', 'b', 'c']) await done(romeo, set(publish(NODE, note(id), { max_items: 'max' })))
  expect(await ids(romeo, get(items()))).toEqual(['c', 'b', 'a'])
  expect(await ids(romeo, get(items(' max_items="2"')))).toEqual(['c', 'b'])
  expect(await ids(romeo, get(items('', '<item id="a"/><item id="nothing"/>')))).toEqual(['a'])
  expect(await ids(romeo, get(items('', '<item id="nothing"/>')))).toEqual([])
  for (const max of ['0', '-1', 'x'])
    expect(await said(romeo, get(items(` max_items="${max}"`)))).toBe('max_items is a whole number from 1')
  expect(await said(romeo, get(items('', '<item id="a"/>'.repeat(101))))).toBe('Too many items at a time')
  const unknown = get(`<pubsub xmlns="${PUBSUB}"><items node="urn:nothing"/></pubsub>`)
  expect(await refusal(romeo, unknown)).toBe('item-not-found')
  expect(await said(romeo, unknown)).toBe('No such node')
})

scenario('XEP-0060 § 6.5.4: pages of items', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  for (const id of ['a', 'b', 'c']) await done(romeo, set(publish(NODE, note(id), { max_items: 'max' })))
  const page = (inside: string) => get(items('', '', `<set xmlns="http://jabber.org/protocol/rsm">${inside}</set>`))
  const first = await done(romeo, page('<max>2</max>'))
  expect(String(first?.child('set', 'http://jabber.org/protocol/rsm'))).toBe(
    '<set xmlns="http://jabber.org/protocol/rsm"><first index="0">c</first><last>b</last><count>3</count></set>',
  )
  // All of them are a page, too.
  const all = await done(romeo, page(''))
  expect(String(all?.child('set', 'http://jabber.org/protocol/rsm'))).toBe(
    '<set xmlns="http://jabber.org/protocol/rsm"><first index="0">c</first><last>a</last><count>3</count></set>',
  )
  expect(await ids(romeo, page('<max>2</max><after>b</after>'))).toEqual(['a'])
  expect(await ids(romeo, page('<max>1</max><before/>'))).toEqual(['a'])
  expect(await ids(romeo, page('<max>0</max>'))).toEqual([])
  expect(await said(romeo, page("<after>x' OR 1=1--</after>"))).toBe('The item that the page is counted from is gone')
})

scenario('XEP-0060 § 6.5.9.7: a node that keeps nothing has no items to ask for, or to purge', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await done(romeo, set(publish(NODE, note('a'), { persist_items: '0' })))
  const purge = set(`<pubsub xmlns="${OWNER}"><purge node="${NODE}"/></pubsub>`)
  for (const request of [get(items()), get(items('', '<item id="a"/>')), purge]) {
    const answer = await romeo.asksRaw(request)
    expect(answer.child('error')?.firstElement()?.name).toBe('feature-not-implemented')
    expect(answer.child('error')?.child('unsupported', ERRORS)?.attrs['feature']).toBe('persistent-items')
  }
})

scenario('XEP-0060 § 6.5.9.2: who is subscribed names a subscription that is there, or none', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, note('a'), { access_model: 'open', send_last_published_item: 'never' })))
  const subscribe = `<pubsub xmlns="${PUBSUB}"><subscribe node="${NODE}" jid="${juliet.bare}"/></pubsub>`
  const subid = (await done(juliet, set(subscribe, to)))?.child('subscription')?.attrs['subid']
  const wrong = get(items(' subid="x"'), to)
  expect(await refusal(juliet, wrong)).toBe('not-acceptable invalid-subid')
  expect(await said(juliet, wrong)).toBe('You have no such subscription')
  for (const more of ['', ` subid="${subid}"`]) expect(await ids(juliet, get(items(more), to))).toEqual(['a'])
})

scenario('XEP-0060 § 7.1: a node of a social feed has entries of Atom, whatever its type says', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const entry = '<item id="a"><entry xmlns="http://www.w3.org/2005/Atom"><title>Soliloquy</title></entry></item>'
  await done(romeo, set(publish(NODE, entry, { type: 'urn:xmpp:pubsub-social-feed:1' })))
  expect(await ids(romeo, get(items()))).toEqual(['a'])
})

scenario('XEP-0060 § 6.5.9: who may not read is told why', async ({ server }) => {
  const [romeo, stranger] = await (await server('a.test')).connect('romeo/orchard', 'stranger/road')
  await done(romeo, set(publish(NODE, note('a'))))
  const to = romeo.bare.text
  const expected: [string, string, string][] = [
    ['presence', 'not-authorized presence-subscription-required', 'Only for contacts'],
    ['roster', 'not-authorized not-in-roster-group', 'Only for some contacts'],
    ['whitelist', 'not-allowed closed-node', 'Only for those on a list'],
  ]
  for (const [access_model, condition, text] of expected) {
    await done(romeo, configure({ access_model }))
    for (const payload of [items(), items('', '<item id="a"/>'), items(' max_items="1"')]) {
      expect(await refusal(stranger, get(payload, to))).toBe(condition)
      expect(await said(stranger, get(payload, to))).toBe(text)
    }
  }
  await done(romeo, configure({ access_model: 'open' }))
  expect(await ids(stranger, get(items(), to))).toEqual(['a'])
})

scenario('XEP-0060 § 7.2: an item is retracted, and those who listen hear it', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await listen([romeo], NODE)
  await done(romeo, set(publish(NODE, note('a'), { notify_retract: '0' })))
  await romeo.receives`<message><event xmlns="${EVENT}"><items node="${NODE}"><item id="a"/></items></event></message>`
  await done(romeo, retract('a', ' notify="true"'))
  await romeo.receives`<message><event xmlns="${EVENT}"><items node="${NODE}"><retract id="a"/></items></event></message>`
  await done(romeo, set(publish(NODE, note('b'))))
  await romeo.settles()
  await done(romeo, retract('b'))
  await romeo.receivesNothing()
})

scenario('XEP-0060 § 7.2.3: what cannot be retracted', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  expect(await refusal(romeo, retract('a'))).toBe('item-not-found')
  await done(romeo, set(publish(NODE, note('a'))))
  expect(await said(romeo, retract('nothing'))).toBe('No such item')
  expect(await refusal(romeo, retract(''))).toBe('bad-request item-required')
  expect(await said(romeo, retract(''))).toBe('The item is not named')
  const foreign = retract('a').replace('type="set"', `type="set" to="${romeo.bare}"`)
  expect(await refusal(juliet, foreign)).toBe('forbidden')
  await done(romeo, configure({ persist_items: '0' }))
  expect(await refusal(romeo, retract('a'))).toBe('feature-not-implemented unsupported')
  expect(await said(romeo, retract('a'))).toBe('Items are not kept')
})

scenario('XEP-0060 § 8.2: a node without memory, and one that forgets', async ({ server, after }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await listen([romeo], NODE)
  await done(romeo, set(publish(NODE, note('a'), { persist_items: '0' })))
  await romeo.receives`<message><event xmlns="${EVENT}"><items node="${NODE}"><item id="a"><note xmlns="urn:note"/></item></items></event></message>`
  await done(romeo, configure({ persist_items: '1', item_expire: '60', max_items: '10' }))
  await done(romeo, set(publish(NODE, note('b'))))
  await after('30s')
  await done(romeo, set(publish(NODE, note('c'))))
  await after('31s')
  expect(await ids(romeo, get(items()))).toEqual(['c'])
  await romeo.settles()
})
