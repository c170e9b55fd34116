import { expect } from '@jest/globals'
import { type Actor, any, p, scenario } from '@parley/testkit'
import { done, EVENT, form, get, ids, OWNER, PUBSUB, publish, refusal, said, set } from './pep-client.ts'

const NODE = 'urn:example:notes'
const COMMANDS = 'http://jabber.org/protocol/commands'
const AUTHORIZATION = `${PUBSUB}#subscribe_authorization`
const item = (id: string) => `<item id="${id}"><note xmlns="urn:note"/></item>`
const asked = { access_model: 'authorize', send_last_published_item: 'never' }
const plain = (inside: string) => `<pubsub xmlns="${PUBSUB}">${inside}</pubsub>`
const owner = (inside: string) => `<pubsub xmlns="${OWNER}">${inside}</pubsub>`
const subscribe = (jid: { toString(): string }) => plain(`<subscribe node="${NODE}" jid="${jid}"/>`)
const items = plain(`<items node="${NODE}"/>`)
const field = (name: string, value: string) => `<field var="${name}"><value>${value}</value></field>`

/** What an owner's client sends back. */
const answer = (who: { toString(): string }, allow: string, more = '') =>
  `<x xmlns="jabber:x:data" type="submit">${field('FORM_TYPE', AUTHORIZATION)}${field('pubsub#node', NODE)}${field('pubsub#subscriber_jid', String(who))}${field('pubsub#allow', allow)}${more}</x>`

/** A request as the owner sees it. */
async function request(to: Actor, from: { toString(): string }, who: { toString(): string }): Promise<void> {
  await to.receives`<message from="${from}" id="${any}"><x xmlns="jabber:x:data" type="form"><field var="FORM_TYPE"><value>${AUTHORIZATION}</value></field><field var="pubsub#node"><value>${NODE}</value></field><field var="pubsub#subscriber_jid"><value>${String(who)}</value></field><field var="pubsub#allow"><value>0</value></field></x></message>`
}
const told = (to: Actor, from: { toString(): string }, state: string) =>
  to.receives`<message from="${from}" to="${to.bare}"><event xmlns="${EVENT}"><subscription node="${NODE}" jid="${to.bare}" subscription="${state}"/></event></message>`
const state = async (actor: Actor, to: string) =>
  (await done(actor, set(subscribe(actor.bare), to)))?.child('subscription')?.attrs['subscription']

scenario('XEP-0060 § 8.6: an owner lets somebody in, who then hears and reads', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), { ...asked, send_last_published_item: 'on_sub' })))
  expect(await refusal(juliet, get(items, to))).toBe('not-authorized not-subscribed')
  expect(await said(juliet, get(items, to))).toBe('Only for subscribers')
  expect(await state(juliet, to)).toBe('pending')
  await request(romeo, romeo.bare, juliet.bare)

  // Whoever waits hears and reads nothing, and does not ask twice.
  await done(romeo, set(publish(NODE, item('b'))))
  expect(await refusal(juliet, get(items, to))).toBe('not-authorized not-subscribed')
  expect(await refusal(juliet, set(subscribe(juliet.bare), to))).toBe('not-authorized pending-subscription')
  expect(await said(juliet, set(subscribe(juliet.jid), to))).toBe('An owner will answer')
  await juliet.receivesNothing()

  await romeo.sendsRaw(`<message to="${to}">${answer(juliet.bare, 'true')}</message>`)
  await told(juliet, to, 'subscribed')
  await juliet.receives`<message from="${to}"><event xmlns="${EVENT}"><items node="${NODE}"><item id="b"/></items></event></message>`
  expect(await ids(juliet, get(items, to))).toEqual(['b'])
  await done(romeo, set(publish(NODE, item('c'))))
  await juliet.receives`<message from="${to}"><event xmlns="${EVENT}"><items node="${NODE}"><item id="c"/></items></event></message>`
  // Again is as well as once.
  await romeo.sendsRaw(`<message to="${to}">${answer(juliet.bare, '1')}</message>`)
  await romeo.receivesNothing()
  await juliet.receivesNothing()
})

scenario('XEP-0060 § 8.6: an owner says no, or nothing yet', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), asked)))
  expect(await state(juliet, to)).toBe('pending')
  await request(romeo, romeo.bare, juliet.bare)
  await romeo.sendsRaw(
    `<message to="${to}"><x xmlns="jabber:x:data" type="cancel">${field('FORM_TYPE', AUTHORIZATION)}</x></message>`,
  )
  expect(await said(juliet, set(subscribe(juliet.bare), to))).toBe('An owner will answer')
  await romeo.sendsRaw(`<message to="${to}">${answer(juliet.bare, '0')}</message>`)
  await told(juliet, to, 'none')
  expect((await done(juliet, get(plain('<subscriptions/>'), to)))?.firstElement()?.elements()).toEqual([])
})

scenario('XEP-0060 § 8.6: an answer that cannot be used', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), asked)))
  expect(await state(juliet, to)).toBe('pending')
  await request(romeo, romeo.bare, juliet.bare)
  await romeo.sendsRaw(`<message to="${to}" id="m1">${answer(juliet.bare, '')}</message>`)
  await romeo.receives`<message id="m1" type="error"><error><bad-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">The form says neither yes nor no</text></error></message>`
  const stale = field('pubsub#subid', 'of another request')
  await romeo.sendsRaw(`<message to="${to}" id="m2">${answer(juliet.bare, '1', stale)}</message>`)
  await romeo.receives`<message id="m2" type="error"><error><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">Nobody waits for that</text></error></message>`
  expect(await said(juliet, get(items, to))).toBe('Only for subscribers')
})

scenario('XEP-0060 § 8.6: nobody but an owner lets anybody in', async ({ server }) => {
  const [romeo, juliet, tybalt] = await (await server('a.test')).join(
    'romeo/orchard',
    'juliet/balcony',
    'tybalt/street',
  )
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), asked)))
  expect(await state(juliet, to)).toBe('pending')
  await request(romeo, romeo.bare, juliet.bare)
  const publisher = `<affiliations node="${NODE}"><affiliation jid="${tybalt.bare}" affiliation="publisher"/></affiliations>`
  await done(romeo, set(owner(publisher)))
  for (const actor of [juliet, tybalt]) {
    await actor.sendsRaw(`<message to="${to}" id="m">${answer(juliet.bare, '1')}</message>`)
    await actor.receives`<message id="m" type="error"><error><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  }
  const elsewhere = `<subscriptions node="${NODE}"><subscription jid="${juliet.bare}" subscription="subscribed"/></subscriptions>`
  expect(await refusal(juliet, set(owner(elsewhere), to))).toBe('forbidden')
  expect(await refusal(juliet, get(items, to))).toBe('not-authorized not-subscribed')
})

scenario('XEP-0060 § 8.6: who asks and takes back, again and again, is stopped', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), asked)))
  const answers: string[] = []
  for (let n = 0; n < 7; n++) {
    answers.push(await refusal(juliet, set(subscribe(juliet.bare), to)))
    if (answers.at(-1) === 'not refused')
      await done(juliet, set(plain(`<unsubscribe node="${NODE}" jid="${juliet.bare}"/>`), to))
  }
  expect(answers.filter(one => one === 'not refused')).toHaveLength(5)
  expect(await said(juliet, set(subscribe(juliet.bare), to))).toBe('You ask too often')
  await romeo.settles()
})

scenario('XEP-0060 § 8.8.2: an owner lets in by the list, or by affiliation (§ 8.7.4)', async ({ server }) => {
  const [romeo, juliet, nurse, tybalt] = await (await server('a.test')).join(
    'romeo/orchard',
    'juliet/balcony',
    'nurse/house',
    'tybalt/street',
  )
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), asked)))
  for (const actor of [juliet, nurse, tybalt]) {
    expect(await state(actor, to)).toBe('pending')
    await request(romeo, romeo.bare, actor.bare)
  }
  const listed = `<subscriptions node="${NODE}"><subscription jid="${juliet.bare}" subscription="subscribed"/></subscriptions>`
  await done(romeo, set(owner(listed)))
  await told(juliet, to, 'subscribed')
  const made = `<affiliations node="${NODE}"><affiliation jid="${nurse.bare}" affiliation="member"/><affiliation jid="${tybalt.bare}" affiliation="outcast"/></affiliations>`
  await done(romeo, set(owner(made)))
  await told(nurse, to, 'subscribed')
  await told(tybalt, to, 'none')
  for (const actor of [juliet, nurse]) expect(await ids(actor, get(items, to))).toEqual(['a'])
  expect(await refusal(tybalt, get(items, to))).toBe('forbidden')
})

scenario('XEP-0060 § 8.7: an owner is asked again what has no answer yet', async ({ server }) => {
  const [romeo, juliet, stranger] = await (await server('a.test')).join(
    'romeo/orchard',
    'juliet/balcony',
    'stranger/road',
  )
  const to = romeo.bare.text
  for (const node of [NODE, 'urn:quiet']) await done(romeo, set(publish(node, item('a'), asked)))
  expect(await state(juliet, to)).toBe('pending')
  await request(romeo, romeo.bare, juliet.bare)
  const command = (more = '', node = `${PUBSUB}#get-pending`, action = '') =>
    set(`<command xmlns="${COMMANDS}" node="${node}"${action}>${more}</command>`, to)
  const chosen = (node: string) =>
    `<x xmlns="jabber:x:data" type="submit">${field('FORM_TYPE', AUTHORIZATION)}${field('pubsub#node', node)}</x>`

  const first = await done(romeo, command())
  expect(first?.attrs).toMatchObject({ status: 'executing' })
  const shown = first?.child('x', 'jabber:x:data')?.childrenNamed('field').at(-1)
  expect(shown?.childrenNamed('option').map(one => one.child('value')?.text())).toEqual([NODE])
  expect((await done(romeo, command(chosen(NODE))))?.attrs).toMatchObject({ status: 'completed' })
  await request(romeo, romeo.bare, juliet.bare)
  expect((await done(romeo, command('', undefined, ' action="cancel"')))?.attrs).toMatchObject({ status: 'canceled' })

  expect(await said(romeo, command(chosen('urn:none')))).toBe('Nobody asks for that node')
  expect(await said(romeo, command('', 'urn:other'))).toBe('The only command here is another one')
  expect(await said(stranger, command())).toBe('You own nothing here')
  expect(await said(juliet, command(chosen(NODE)))).toBe('You own nothing here')
  const second = `<affiliations node="urn:quiet"><affiliation jid="${juliet.bare}" affiliation="owner"/></affiliations>`
  await done(romeo, set(owner(second)))
  expect(await said(juliet, command(chosen(NODE)))).toBe('Requests are for owners')
  await juliet.receivesNothing()

  const found = await done(romeo, get(`<query xmlns="http://jabber.org/protocol/disco#items" node="${COMMANDS}"/>`, to))
  expect(found?.elements().map(({ attrs }) => attrs['node'])).toEqual([`${PUBSUB}#get-pending`])
  for (const [node, type] of [
    [COMMANDS, 'command-list'],
    [`${PUBSUB}#get-pending`, 'command-node'],
  ]) {
    const info = await done(romeo, get(`<query xmlns="http://jabber.org/protocol/disco#info" node="${node}"/>`, to))
    expect(info?.child('identity')?.attrs['type']).toBe(type)
  }
})

scenario('XEP-0060 § 8.6: the owner who was away hears of a request', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), asked)))
  await romeo.leaves()
  expect(await state(juliet, to)).toBe('pending')
  const [back] = await stage.connect('romeo/orchard')
  await back.sends`<presence/>`
  await back.receivesUnordered(
    p`<presence from="${back}"/>`,
    p`<message from="${to}"><x xmlns="jabber:x:data" type="form"/></message>`,
  )
  // A node that is opened lets in who waits.
  await done(back, set(owner(`<configure node="${NODE}">${form('node_config', { access_model: 'open' })}</configure>`)))
  expect(await state(juliet, to)).toBe('subscribed')
})
