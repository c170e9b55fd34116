import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'
import {
  done,
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
} from '../../scenarios/pep-client.ts'

const NODE = 'urn:example:diary'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const INFO = 'http://jabber.org/protocol/disco#info'
const note = (id: string, text = '') => `<item id="${id}"><note xmlns="urn:note">${text}</note></item>`
const items = `<pubsub xmlns="${PUBSUB}"><items node="${NODE}"/></pubsub>`
const subscribe = ({ bare }: Actor) => `<pubsub xmlns="${PUBSUB}"><subscribe node="${NODE}" jid="${bare}"/></pubsub>`
const owner = (inside: string) => `<pubsub xmlns="${OWNER}">${inside}</pubsub>`
const configure = (fields: Record<string, string | string[]>) =>
  set(owner(`<configure node="${NODE}">${form('node_config', fields)}</configure>`))
const affiliate = ({ bare }: Actor, what: string) =>
  set(owner(`<affiliations node="${NODE}"><affiliation jid="${bare}" affiliation="${what}"/></affiliations>`))

scenario('threat 78: what is to be private is never public, not even for a moment', async ({ server, befriend }) => {
  const [romeo, juliet, stranger] = await (await server('a.test')).join(
    'romeo/orchard',
    'juliet/balcony',
    'stranger/road',
  )
  await befriend(romeo, juliet)
  await listen([juliet], NODE)
  const secret = { access_model: 'whitelist' }
  await done(romeo, set(publish(NODE, note('a', 'secret'), secret)))
  const to = romeo.bare.text
  // Every way to an item, without the steps before it.
  for (const actor of [juliet, stranger]) {
    for (const payload of [
      items,
      `<pubsub xmlns="${PUBSUB}"><items node="${NODE}"><item id="a"/></items></pubsub>`,
      `<pubsub xmlns="${PUBSUB}"><items node="${NODE}" max_items="1"/></pubsub>`,
      `<query xmlns="${INFO}" node="${NODE}"/>`,
      `<query xmlns="${ITEMS}" node="${NODE}"/>`,
      owner(`<configure node="${NODE}"/>`),
      owner(`<affiliations node="${NODE}"/>`),
      owner(`<subscriptions node="${NODE}"/>`),
    ])
      expect((await actor.asksRaw(get(payload, to))).attrs['type']).toBe('error')
    expect(await refusal(actor, set(subscribe(actor), to))).toBe('not-allowed closed-node')
    expect(await refusal(actor, set(publish(NODE, note('a', 'x')), to))).toBe('forbidden')
  }
  await juliet.receivesNothing()

  // A node that is public refuses what was to be private.
  await done(romeo, configure({ access_model: 'open' }))
  expect(await refusal(romeo, set(publish(NODE, note('b', 'secret'), secret)))).toBe('conflict precondition-not-met')
  expect(await ids(stranger, get(items, to))).toEqual(['a'])
  await juliet.receivesNothing()
  await romeo.settles()
})

scenario('threat 106: nobody hears of a node that is closed to them by now', async ({ server, befriend }) => {
  const [romeo, juliet, stranger] = await (await server('a.test')).join(
    'romeo/orchard',
    'juliet/balcony',
    'stranger/road',
  )
  await befriend(romeo, juliet)
  await listen([juliet, stranger], NODE)
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, note('a'), { access_model: 'open', send_last_published_item: 'never' })))
  await juliet.settles()
  for (const actor of [juliet, stranger]) await done(actor, set(subscribe(actor), to))
  const publishing = async (text: string) => done(romeo, set(publish(NODE, note('a', text))))

  for (const access_model of ['whitelist', 'roster']) {
    await done(romeo, configure({ access_model }))
    await publishing(access_model)
    for (const actor of [juliet, stranger]) await actor.receivesNothing()
  }
  await done(romeo, configure({ access_model: 'open' }))
  for (const actor of [juliet, stranger]) {
    await done(romeo, affiliate(actor, 'outcast'))
    await actor.receives`<message from="${to}"><event xmlns="${EVENT}"><subscription node="${NODE}" subscription="none"/></event></message>`
  }
  await publishing('outcast')
  for (const actor of [juliet, stranger]) await actor.receivesNothing()

  // Contacts no more: neither by presence nor by their subscription.
  for (const actor of [juliet, stranger]) await done(romeo, affiliate(actor, 'none'))
  await done(juliet, set(subscribe(juliet), to))
  await done(romeo, configure({ access_model: 'presence' }))
  await romeo.sends`<presence type="unsubscribed" to="${juliet.bare}"/>`
  for (const actor of [romeo, juliet]) await actor.settles()
  await publishing('presence')
  for (const actor of [juliet, stranger]) await actor.receivesNothing()
})

scenario('threat 106: nor of a node of the service', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const to = 'pubsub.a.test'
  const change = (fields: Record<string, string>) =>
    set(owner(`<configure node="${NODE}">${form('node_config', fields)}</configure>`), to)
  await done(romeo, set(publish(NODE, note('a'), { send_last_published_item: 'never' }), to))
  await done(juliet, set(subscribe(juliet), to))
  for (const access_model of ['whitelist', 'open']) {
    await done(romeo, change({ access_model }))
    await done(romeo, set(publish(NODE, note(access_model)), to))
  }
  await juliet.receives`<message from="${to}"><event xmlns="${EVENT}"><items node="${NODE}"><item id="open"/></items></event></message>`
  await done(romeo, change({ access_model: 'authorize' }))
  await done(romeo, set(publish(NODE, note('b')), to))
  await juliet.receives`<message from="${to}"><event xmlns="${EVENT}"><items node="${NODE}"><item id="b"/></items></event></message>`
})

scenario('threat 107: a publisher is no owner, and puts nothing in the place of others', async ({ server }) => {
  const [romeo, nurse, tybalt] = await (await server('a.test')).connect('romeo/orchard', 'nurse/house', 'tybalt/street')
  const to = romeo.bare.text
  await done(romeo, set(publish(NODE, note('mine'), { access_model: 'open', max_items: 'max' })))
  await done(romeo, affiliate(nurse, 'publisher'))
  await done(nurse, set(publish(NODE, note('hers')), to))
  await done(romeo, affiliate(tybalt, 'publisher'))

  const retract = (id: string) =>
    set(`<pubsub xmlns="${PUBSUB}"><retract node="${NODE}"><item id="${id}"/></retract></pubsub>`, to)
  for (const id of ['mine', 'hers']) {
    expect(await refusal(tybalt, set(publish(NODE, note(id, 'forged')), to))).toBe('forbidden')
    expect(await said(tybalt, retract(id))).toBe('The item is of somebody else')
  }
  const elevate = `<affiliations node="${NODE}"><affiliation jid="${tybalt.bare}" affiliation="owner"/></affiliations>`
  for (const inside of [
    `<purge node="${NODE}"/>`,
    `<delete node="${NODE}"/>`,
    `<configure node="${NODE}">${form('node_config', { access_model: 'open' })}</configure>`,
    elevate,
  ])
    expect(await refusal(tybalt, set(owner(inside), to))).toBe('forbidden')
  const all = await done(romeo, get(items))
  expect(String(all)).not.toContain('forged')
  expect(await ids(romeo, get(items))).toEqual(['hers', 'mine'])
  await done(nurse, retract('hers'))
})
