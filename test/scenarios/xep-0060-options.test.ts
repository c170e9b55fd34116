import { expect } from '@jest/globals'
import { Jid } from '@parley/jid'
import { readStanza, type Stanza } from '@parley/stanza'
import { type Actor, p, scenario } from '@parley/testkit'
import { parseElement } from '@parley/xml'
import { done, EVENT, form, get, PUBSUB, publish, refusal, said, set } from './pep-client.ts'

const NODE = 'urn:example:notes'
const SHIM = 'http://jabber.org/protocol/shim'
const item = (id: string) => `<item id="${id}"><note xmlns="urn:note"/></item>`
const open = { access_model: 'open', max_items: 'max', send_last_published_item: 'never' }
const plain = (inside: string) => `<pubsub xmlns="${PUBSUB}">${inside}</pubsub>`
type Fields = Readonly<Record<string, string | readonly string[]>>
const options = (jid: { toString(): string }, fields?: Fields, more = '') =>
  plain(`<options node="${NODE}" jid="${jid}"${more}>${fields ? form('subscribe_options', fields) : ''}</options>`)
const subscribe = (jid: { toString(): string }, fields?: Fields, more = '') =>
  plain(
    `<subscribe node="${NODE}" jid="${jid}"/>${fields ? `<options${more}>${form('subscribe_options', fields)}</options>` : ''}`,
  )
const news = (to: Actor, id: string) =>
  to.receives`<message><event xmlns="${EVENT}"><items node="${NODE}"><item id="${id}"/></items></event></message>`

/** Values of the form in an answer, by name. */
async function values(actor: Actor, xml: string): Promise<Record<string, string[]>> {
  const x = (await done(actor, xml))?.elements().at(-1)?.child('x', 'jabber:x:data')
  const fields = x?.childrenNamed('field') ?? []
  return Object.fromEntries(
    fields.map(one => [
      one.attrs['var']?.replace('pubsub#', '') ?? '',
      one.childrenNamed('value').map(value => value.text()),
    ]),
  )
}

scenario('XEP-0060 § 6.3: a subscriber wants to hear nothing for a while', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), open)))
  await done(juliet, set(subscribe(juliet.bare), to))
  expect(await values(juliet, get(options(juliet.bare), to))).toMatchObject({ deliver: ['1'], expire: [''] })
  await done(juliet, set(options(juliet.bare, { deliver: '0' }), to))
  expect(await values(juliet, get(options(juliet.bare), to))).toMatchObject({ deliver: ['0'] })
  await done(romeo, set(publish(NODE, item('b'))))
  await juliet.receivesNothing()
  await done(juliet, set(options(juliet.bare, { deliver: 'true' }), to))
  await done(romeo, set(publish(NODE, item('c'))))
  await news(juliet, 'c')
})

scenario('XEP-0060 § 6.3.7: options come with the subscription', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), open)))
  const named = set(subscribe(juliet.bare, { deliver: '0' }, ` node="${NODE}"`), to)
  expect(await said(juliet, named)).toBe('Options of a new subscription name nothing')
  expect(await values(juliet, set(subscribe(juliet.bare, { deliver: '0' }), to))).toMatchObject({ deliver: ['0'] })
  await done(romeo, set(publish(NODE, item('b'))))
  await juliet.receivesNothing()
})

scenario('XEP-0060 § 12.18: a subscription ends at its time, and can be renewed', async ({ server, after, clock }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  const soon = (minutes: number) => new Date(clock.now() + minutes * 60_000).toISOString()
  await done(romeo, set(publish(NODE, item('a'), open)))
  await done(juliet, set(subscribe(juliet.bare, { expire: soon(1) }), to))
  await done(romeo, set(publish(NODE, item('b'))))
  await news(juliet, 'b')
  await done(juliet, set(options(juliet.bare, { expire: soon(10) }), to))
  await after('5m')
  await done(romeo, set(publish(NODE, item('c'))))
  await news(juliet, 'c')
  await after('6m')
  await done(romeo, set(publish(NODE, item('d'))))
  await juliet.receivesNothing()
  const mine = await done(juliet, get(plain('<subscriptions/>'), to))
  expect(mine?.firstElement()?.elements()).toEqual([])
  expect(await refusal(juliet, get(options(juliet.bare), to))).toBe('unexpected-request not-subscribed')
  const again = await done(juliet, set(subscribe(juliet.bare), to))
  expect(again?.child('subscription')?.attrs['subscription']).toBe('subscribed')
  await done(romeo, set(publish(NODE, item('e'))))
  await news(juliet, 'e')
})

scenario('XEP-0060 § 6.3: a subscriber hears only in some kinds of presence', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), open)))
  await done(juliet, set(subscribe(juliet.bare, { 'show-values': ['online', 'chat'] }), to))
  await done(romeo, set(publish(NODE, item('b'))))
  await news(juliet, 'b')
  await juliet.sends`<presence><show>dnd</show></presence>`
  await juliet.settles()
  await done(romeo, set(publish(NODE, item('c'))))
  await juliet.receivesNothing()
  await done(juliet, set(options(juliet.bare, { 'show-values': [] }), to))
  expect(await values(juliet, get(options(juliet.bare), to))).toMatchObject({ deliver: ['0'] })
})

scenario('XEP-0060 § 6.3.4: options that cannot be had', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect(
    'romeo/orchard',
    'juliet/balcony',
    'nurse/house',
  )
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), open)))
  await done(juliet, set(subscribe(juliet.bare), to))
  expect(await refusal(nurse, get(options(juliet.bare), to))).toBe('forbidden')
  expect(await said(nurse, set(options(juliet.bare, { deliver: '0' }), to))).toBe('Options are for the subscriber')
  expect(await refusal(nurse, get(options(nurse.bare), to))).toBe('unexpected-request not-subscribed')
  expect(await said(nurse, get(options(nurse.bare), to))).toBe('Nobody is subscribed so')
  const nobody = get(plain(`<options node="${NODE}"/>`), to)
  expect(await refusal(juliet, nobody)).toBe('bad-request jid-required')
  expect(await said(juliet, nobody)).toBe('The subscriber is not named')
  expect(await refusal(juliet, get(plain(`<options jid="${juliet.bare}"/>`), to))).toBe('bad-request nodeid-required')
  const other = get(options(juliet.bare, undefined, ' subid="x"'), to)
  expect(await refusal(juliet, other)).toBe('not-acceptable invalid-subid')
  expect(await said(juliet, other)).toBe('Options of another subscription')
  const none = get(plain(`<options node="urn:none" jid="${juliet.bare}"/>`), to)
  expect(await refusal(juliet, none)).toBe('item-not-found')
  expect(await said(juliet, set(options(juliet.bare), to))).toBe('Options are a form')
  for (const [fields, text] of [
    [{ digest: '1' }, 'pubsub#digest is not done here'],
    [{ include_body: 'true' }, 'pubsub#include_body is not done here'],
    [{ expire: '2001-01-01T00:00:00Z' }, 'A subscription ends at a time to come'],
    [{ expire: 'tomorrow' }, 'A subscription ends at a time to come'],
    [{ 'show-values': ['asleep'] }, 'There is no such presence'],
  ] as const) {
    expect(await refusal(juliet, set(options(juliet.bare, fields), to))).toBe('bad-request invalid-options')
    expect(await said(juliet, set(options(juliet.bare, fields), to))).toBe(text)
  }
})

scenario('XEP-0060 § 6.4: what new subscriptions are like', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), { access_model: 'whitelist' })))
  expect(await values(juliet, get(plain('<default/>'), to))).toMatchObject({ deliver: ['1'] })
  expect(await values(romeo, get(plain(`<default node="${NODE}"/>`)))).toMatchObject({ deliver: ['1'] })
  expect(await refusal(juliet, get(plain(`<default node="${NODE}"/>`), to))).toBe('not-allowed closed-node')
})

scenario('XEP-0060 § 12.14: who has subscribed twice is told which subscription it is', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'nurse/house')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, item('a'), open)))
  const subids: (string | undefined)[] = []
  for (const jid of [juliet.bare, juliet.jid])
    subids.push((await done(juliet, set(subscribe(jid), to)))?.child('subscription')?.attrs['subid'])
  await done(nurse, set(subscribe(nurse.bare), to))
  await done(romeo, set(publish(NODE, item('b'))))
  await juliet.receivesUnordered(
    ...subids.map(
      subid =>
        p`<message><event xmlns="${EVENT}"/><headers xmlns="${SHIM}"><header name="SubID">${subid!}</header></headers></message>`,
    ),
  )
  await nurse.fence()
  const [message] = nurse.unexpected
  expect(message?.child('headers', SHIM)).toBeUndefined()
  await news(nurse, 'b')
})

scenario('XEP-0060 § 6.3: whose presence is not known hears always, or never', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.join('romeo/orchard')
  await done(romeo, set(publish(NODE, item('a'), open)))
  const from = Jid.parse('mercutio@far.test/road')
  const answers: Stanza[] = []
  stage.core.router.components.set('far.test', stanza => void answers.push(stanza))
  const asks = async (fields: Fields) => {
    const xml = set(subscribe(from.bare, fields), romeo.bare.text)
    const iq = parseElement(xml.replace('<iq ', '<iq xmlns="jabber:client" id="q" '))
    await stage.core.router.route(readStanza(iq, from))
    return answers.at(-1)?.child('error')?.textOf('text', 'urn:ietf:params:xml:ns:xmpp-stanzas')
  }
  expect(await asks({ 'show-values': ['online'] })).toBe('Your presence is not known here')
  expect(await asks({ 'show-values': ['chat', 'online', 'away', 'xa', 'dnd'] })).toBeUndefined()
})
