import { expect } from '@jest/globals'
import type { Jid } from '@parley/jid'
import { modules } from '@parley/modules'
import type { PubsubNode } from '@parley/store'
import { like, p, scenario } from '@parley/testkit'
import { type Element, el } from '@parley/xml'
import { defineModule } from '@xmpp/server-core'
import { done, EVENT, form, get, listen, OWNER, PUBSUB, publish, refusal, set, wants } from './pep-client.ts'

interface Pep {
  service(account: Jid): { notify(notice: { readonly node: PubsubNode; readonly event: Element }): unknown }
}

const TUNE = 'http://jabber.org/protocol/tune'
const MOOD = 'http://jabber.org/protocol/mood'
const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const DATE = like(/^20\d\d-/)
const tune = (title: string, id = 'current') =>
  `<item id="${id}"><tune xmlns="${TUNE}"><title>${title}</title></tune></item>`
const heard = (from: { toString(): string }, title: string) =>
  p`<message from="${from}" type="headline"><event xmlns="${EVENT}"><items node="${TUNE}"><item id="current"><tune xmlns="${TUNE}"><title>${title}</title></tune></item></items></event></message>`

scenario(
  'XEP-0163 § 3: what is published reaches contacts and own clients that want it, by full JID',
  async ({ server, befriend }) => {
    const stage = await server('a.test')
    const [juliet, chamber, romeo, nurse, benvolio] = await stage.join(
      'juliet/balcony',
      'juliet/chamber',
      'romeo/orchard',
      'nurse/house',
      'benvolio/street',
    )
    await befriend(juliet, romeo)
    await befriend(juliet, nurse)
    await listen([juliet, chamber, romeo, benvolio], TUNE)
    await listen([nurse], MOOD)
    for (const actor of [juliet, chamber, romeo]) await actor.settles()

    await done(juliet, set(publish(TUNE, tune('Introduction'))))
    for (const actor of [juliet, chamber, romeo]) {
      const message = heard(juliet.bare, 'Introduction')
      await actor.receivesUnordered(message)
    }
    for (const actor of [nurse, benvolio]) await actor.receivesNothing()
  },
)

scenario(
  'XEP-0163 § 4.3.4: the last item comes when a client becomes available, and only then',
  async ({ server, befriend }) => {
    const stage = await server('a.test')
    const [juliet, romeo] = await stage.join('juliet/balcony', 'romeo/orchard')
    await befriend(juliet, romeo)
    await done(juliet, set(publish(TUNE, tune('First'))))
    await done(juliet, set(publish(TUNE, tune('Last'))))

    await wants(romeo, TUNE)
    await romeo.receives`<message from="${juliet.bare}" to="${romeo}" type="headline"><event xmlns="${EVENT}"><items node="${TUNE}"><item id="current"><tune xmlns="${TUNE}"><title>Last</title></tune></item></items></event><delay xmlns="urn:xmpp:delay" stamp="${DATE}"/></message>`
    await romeo.receivesNothing()
    await juliet.settles()

    // New capabilities bring only what is new.
    await done(juliet, set(publish(MOOD, `<item id="m"><mood xmlns="${MOOD}"/></item>`)))
    await wants(romeo, TUNE, MOOD)
    await romeo.receives`<message from="${juliet.bare}"><event xmlns="${EVENT}"><items node="${MOOD}"><item id="m"/></items></event></message>`
    await romeo.receivesNothing()
    await juliet.settles()
  },
)

scenario(
  'XEP-0163 § 4.3.4: the capabilities of a client that comes back are known, so it need not be asked',
  async ({ server }) => {
    const [juliet] = await (await server('a.test')).join('juliet/balcony')
    await done(juliet, set(publish(TUNE, tune('Song'))))
    const ver = await wants(juliet, TUNE)
    await juliet.receivesUnordered(heard(juliet.bare, 'Song'))
    await juliet.sends`<presence type="unavailable"/>`
    await juliet.settles()
    await juliet.sendsRaw(
      `<presence><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:client" ver="${ver}"/></presence>`,
    )
    await juliet.receivesUnordered(p`<presence from="${juliet}"/>`, heard(juliet.bare, 'Song'))
  },
)

scenario('XEP-0163 § 4.3.4: who is let in gets the last items at once', async ({ server, befriend }) => {
  const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
  await done(juliet, set(publish(TUNE, tune('Song'))))
  await listen([romeo], TUNE)
  await befriend(juliet, romeo)
  await juliet.sends`<presence to="${romeo.bare}" type="unsubscribed"/>`
  for (const actor of [juliet, romeo]) await actor.settles()

  await romeo.sends`<presence type="subscribe" to="${juliet.bare}"/>`
  await juliet.settles()
  await romeo.settles()
  await juliet.sends`<presence to="${romeo.bare}" type="subscribed"/>`
  await juliet.fence()
  await romeo.client.until(() => romeo.unexpected.some(({ name }) => name === 'message'), 'the last item')
  const messages = romeo.unexpected.filter(({ name }) => name === 'message')
  expect(messages.map(({ attrs }) => [attrs['from'], attrs['to']])).toEqual([[juliet.bare.text, romeo.jid.text]])
  for (const actor of [juliet, romeo]) await actor.settles()
})

scenario('XEP-0163 § 4.3.3: who is blocked hears nothing', async ({ server, befriend }) => {
  const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
  await befriend(juliet, romeo)
  await listen([romeo], TUNE)
  await juliet.asks`<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="${romeo.bare}"/></block></iq>`
  for (const actor of [juliet, romeo]) await actor.settles()
  await done(juliet, set(publish(TUNE, tune('Secret'))))
  await romeo.receivesNothing()
})

scenario('XEP-0163 § 6.1: an account says that it is a service, and what it can do', async ({ server }) => {
  const [juliet] = await (await server('a.test')).connect('juliet/balcony')
  const info = await juliet.asks`<iq type="get" to="${juliet.bare}"><query xmlns="${INFO}"/></iq>`
  expect(info.childrenNamed('identity').map(({ attrs }) => `${attrs['category']}/${attrs['type']}`)).toContain(
    'pubsub/pep',
  )
  const features = info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
  for (const feature of [
    'access-presence',
    'auto-create',
    'auto-subscribe',
    'filtered-notifications',
    'publish-options',
    'config-node-max',
    'pubsub-on-a-jid',
    'persistent-items',
    'last-published',
  ])
    expect(features).toContain(`${PUBSUB}#${feature}`)
})

scenario('XEP-0163 § 6.2: everybody sees the nodes that they may read, and no other', async ({ server, befriend }) => {
  const [juliet, romeo, stranger] = await (await server('a.test')).join(
    'juliet/balcony',
    'romeo/orchard',
    'stranger/road',
  )
  await befriend(juliet, romeo)
  const models = { 'urn:open': 'open', 'urn:presence': 'presence', 'urn:secret': 'whitelist' }
  for (const [node, access_model] of Object.entries(models))
    await done(juliet, set(publish(node, '<item id="x"><x xmlns="urn:x"/></item>', { access_model })))
  const seen = async (actor: typeof juliet) =>
    (await actor.asks`<iq type="get" to="${juliet.bare}"><query xmlns="${ITEMS}"/></iq>`)
      .elements()
      .map(({ attrs }) => attrs['node'])
  expect(await seen(juliet)).toEqual(['urn:open', 'urn:presence', 'urn:secret'])
  expect(await seen(romeo)).toEqual(['urn:open', 'urn:presence'])
  expect(await seen(stranger)).toEqual(['urn:open'])

  const info = (node: string) => get(`<query xmlns="${INFO}" node="${node}"/>`, juliet.bare.text)
  const told = await done(stranger, info('urn:open'))
  expect(told?.child('identity')?.attrs['type']).toBe('leaf')
  expect(String(told?.child('x', 'jabber:x:data'))).toContain('pubsub#access_model')
  expect(await refusal(stranger, info('urn:secret'))).toBe('service-unavailable')
  expect(await refusal(romeo, info('urn:secret'))).toBe('item-not-found')
  const items = await done(stranger, get(`<query xmlns="${ITEMS}" node="urn:open"/>`, juliet.bare.text))
  expect(items?.elements().map(({ attrs }) => attrs['name'])).toEqual(['x'])
})

scenario('XEP-0163 § 5: roster groups', async ({ server, befriend }) => {
  const [juliet, romeo, nurse] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard', 'nurse/house')
  await befriend(juliet, romeo)
  await befriend(juliet, nurse)
  await juliet.asks`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="${romeo.bare}"><group>Friends</group></item></query></iq>`
  await listen([romeo, nurse], TUNE)
  const options = { access_model: 'roster', roster_groups_allowed: ['Friends', 'Lovers'] }
  await done(juliet, set(publish(TUNE, tune('Ours'), options)))
  await romeo.receivesUnordered(heard(juliet.bare, 'Ours'))
  await nurse.receivesNothing()
  const items = get(`<pubsub xmlns="${PUBSUB}"><items node="${TUNE}"/></pubsub>`, juliet.bare.text)
  await done(romeo, items)
  expect(await refusal(nurse, items)).toBe('not-authorized not-in-roster-group')
  await juliet.settles()
})

scenario(
  'XEP-0163 § 7.1: who is no contact any more hears nothing more, subscribed or not',
  async ({ server, befriend }) => {
    const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
    await befriend(juliet, romeo)
    await listen([romeo], TUNE)
    await done(juliet, set(publish(TUNE, tune('One'))))
    await done(
      romeo,
      set(`<pubsub xmlns="${PUBSUB}"><subscribe node="${TUNE}" jid="${romeo.bare}"/></pubsub>`, juliet.bare.text),
    )
    await juliet.sends`<presence to="${romeo.bare}" type="unsubscribed"/>`
    for (const actor of [juliet, romeo]) await actor.settles()
    const subscriptions = get(`<pubsub xmlns="${PUBSUB}"><subscriptions/></pubsub>`, juliet.bare.text)
    expect((await done(romeo, subscriptions))?.child('subscriptions')?.elements()).toEqual([])
    await done(juliet, set(publish(TUNE, tune('Two'))))
    await romeo.receivesNothing()
  },
)

scenario(
  'XEP-0163 § 7.1: who is moved to another group of the roster loses what only the first may read',
  async ({ server, befriend }) => {
    const [juliet, romeo, nurse] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard', 'nurse/house')
    const to = juliet.bare.text
    const inGroup = (actor: typeof juliet, group: string) =>
      juliet.asks`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="${actor.bare}"><group>${group}</group></item></query></iq>`
    for (const actor of [romeo, nurse]) {
      await befriend(juliet, actor)
      await inGroup(actor, 'Friends')
    }
    const options = { access_model: 'roster', roster_groups_allowed: ['Friends'], send_last_published_item: 'never' }
    await done(juliet, set(publish(TUNE, tune('One'), options)))
    await done(juliet, set(publish(MOOD, `<item id="m"><mood xmlns="${MOOD}"/></item>`, { access_model: 'presence' })))
    for (const [actor, node] of [
      [romeo, TUNE],
      [romeo, MOOD],
      [nurse, TUNE],
    ] as const)
      await done(actor, set(`<pubsub xmlns="${PUBSUB}"><subscribe node="${node}" jid="${actor.bare}"/></pubsub>`, to))
    for (const actor of [juliet, romeo, nurse]) await actor.settles()

    await inGroup(romeo, 'Enemies')
    await romeo.receives`<message from="${to}" to="${romeo.bare}"><event xmlns="${EVENT}"><subscription node="${TUNE}" jid="${romeo.bare}" subscription="none"/></event></message>`
    const subscriptions = get(`<pubsub xmlns="${PUBSUB}"><subscriptions/></pubsub>`, to)
    const nodes = async (actor: typeof juliet) =>
      (await done(actor, subscriptions))
        ?.child('subscriptions')
        ?.elements()
        .map(({ attrs }) => attrs['node'])
    expect(await nodes(romeo)).toEqual([MOOD])
    expect(await nodes(nurse)).toEqual([TUNE])
    await nurse.receivesNothing()
    // It does not come back by itself.
    await inGroup(romeo, 'Friends')
    await done(juliet, set(publish(TUNE, tune('Two'))))
    await nurse.receives`<message from="${to}"><event xmlns="${EVENT}"><items node="${TUNE}"><item id="current"/></items></event></message>`
    await romeo.receivesNothing()
    await juliet.settles()
  },
)

scenario('XEP-0163 § 7.1: so does who is in a group that the operator renames', async ({ server }) => {
  const stage = await server('a.test')
  const run = (name: string, values: Record<string, string | boolean | string[]>) =>
    stage.host.commands.find(command => command.name === name)!.run(values)
  const [juliet, romeo] = await stage.join('juliet/balcony', 'romeo/orchard')
  await run('group put', { group: 'g', display: 'Friends', 'shared-roster': true })
  await run('group add', { group: 'g', accounts: ['juliet', 'romeo'] })
  const options = { access_model: 'roster', roster_groups_allowed: ['Friends'], send_last_published_item: 'never' }
  await done(juliet, set(publish(TUNE, tune('One'), options)))
  await done(
    romeo,
    set(`<pubsub xmlns="${PUBSUB}"><subscribe node="${TUNE}" jid="${romeo.bare}"/></pubsub>`, juliet.bare.text),
  )
  for (const actor of [juliet, romeo]) await actor.settles()
  await run('group put', { group: 'g', display: 'Others', 'shared-roster': true })
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="jabber:iq:roster"/></iq>`,
    p`<message from="${juliet.bare}"><event xmlns="${EVENT}"><subscription node="${TUNE}" jid="${romeo.bare}" subscription="none"/></event></message>`,
  )
  await juliet.settles()
})

scenario(
  'XEP-0163 § 4.3.2: deliver_notifications off, and a change of the configuration that is told',
  async ({ server }) => {
    const [juliet] = await (await server('a.test')).join('juliet/balcony')
    await listen([juliet], TUNE)
    const configure = (fields: Record<string, string>) =>
      set(`<pubsub xmlns="${OWNER}"><configure node="${TUNE}">${form('node_config', fields)}</configure></pubsub>`)
    await done(juliet, set(publish(TUNE, tune('One'), { deliver_notifications: '0' })))
    await juliet.receivesNothing()
    await done(juliet, configure({ deliver_notifications: '1', notify_config: '1', deliver_payloads: 'false' }))
    await juliet.receives`<message><event xmlns="${EVENT}"><configuration node="${TUNE}"/></event></message>`
    await done(juliet, set(publish(TUNE, tune('Two'))))
    await juliet.receives`<message><event xmlns="${EVENT}"><items node="${TUNE}"><item id="current"/></items></event></message>`
  },
)

scenario('XEP-0163 § 3: contacts of another domain of the server hear it too', async ({ server, befriend }) => {
  const stage = await server('a.test', { config: { domains: ['a.test', 'b.test'] } })
  const [juliet] = await stage.join('juliet/balcony')
  const [romeo] = await stage.at('b.test').join('romeo/orchard')
  if (!juliet || !romeo) throw new Error('Nobody is there')
  await befriend(juliet, romeo)
  await listen([romeo], TUNE)
  await juliet.settles()
  await done(juliet, set(publish(TUNE, tune('Far away'))))
  await romeo.receivesUnordered(heard(juliet.bare, 'Far away'))
})

scenario(
  'XEP-0163 § 4.3.1: many who listen get copies of one message, and nothing is waited for',
  async ({ server, befriend }) => {
    const bodies = new Set<unknown>()
    let copies = 0
    let service: Pep['service'] | undefined
    const watcher = defineModule({
      name: 'watcher',
      uses: { pep: modules.find(({ name }) => name === 'pep')! },
      setup({ uses, server: { router } }) {
        service = (uses.pep as Pep).service
        const { toSession } = router
        router.toSession = (entry, stanza, ...more) => {
          if (stanza.name === 'message') {
            bodies.add(stanza.body)
            copies++
          }
          return toSession.call(router, entry, stanza, ...more)
        }
        return {}
      },
    })
    const stage = await server('a.test', { modules: [...modules, watcher] })
    const [juliet, ...friends] = await stage.join('juliet/balcony', 'a/x', 'b/x', 'c/x', 'd/x', 'e/x', 'f/x')
    for (const friend of friends) await befriend(juliet, friend)
    await listen(friends, TUNE)
    await juliet.settles()
    await done(juliet, set(publish(TUNE, tune('Song'))))
    for (const friend of friends) await friend.receivesUnordered(heard(juliet.bare, 'Song'))
    expect([copies, bodies.size]).toEqual([friends.length, 1])

    const node = await stage.store.pubsub.node(juliet.bare.text, TUNE, '')
    const told = service!(juliet.bare).notify({ node: node!, event: el('purge', EVENT, { node: TUNE }) })
    if (process.env['TARGET'] !== 'cluster') expect(told).toBeUndefined()
    for (const friend of friends)
      await friend.receives`<message><event xmlns="${EVENT}"><purge node="${TUNE}"/></event></message>`
  },
)

scenario('XEP-0060 § 12.17: an item says who published it, where answers are for that one', async ({ server }) => {
  const [juliet] = await (await server('a.test')).join('juliet/balcony')
  await listen([juliet], TUNE)
  const options = { itemreply: 'publisher', notification_type: 'normal' }
  await done(juliet, set(publish(TUNE, tune('Song'), options)))
  await juliet.receives`<message from="${juliet.bare}"><event xmlns="${EVENT}"><items node="${TUNE}"><item id="current" publisher="${juliet}"/></items></event><no-store xmlns="urn:xmpp:hints"/></message>`
})

scenario('XEP-0060 § 7.1.2.3: who asks for items hears who published them, too', async ({ server }) => {
  const [juliet] = await (await server('a.test')).connect('juliet/balcony')
  await done(juliet, set(publish(TUNE, tune('Song'), { itemreply: 'publisher' })))
  const publishers = async (inside: string) =>
    (await done(juliet, get(`<pubsub xmlns="${PUBSUB}"><items node="${TUNE}">${inside}</items></pubsub>`)))
      ?.child('items')
      ?.elements()
      .map(({ attrs }) => attrs['publisher'])
  for (const inside of ['', '<item id="current"/>']) expect(await publishers(inside)).toEqual([juliet.jid.text])
  for (const itemreply of ['owner', 'none']) {
    const changed = form('node_config', { itemreply })
    await done(juliet, set(`<pubsub xmlns="${OWNER}"><configure node="${TUNE}">${changed}</configure></pubsub>`))
    expect(await publishers('')).toEqual([undefined])
  }
})

scenario('XEP-0060 § 12.6: news of type normal do not wait for somebody who is away', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet, stranger] = await stage.join('juliet/balcony', 'stranger/road')
  const options = { access_model: 'open', notification_type: 'normal', send_last_published_item: 'never' }
  await done(juliet, set(publish(TUNE, tune('One'), options)))
  const subscribing = `<pubsub xmlns="${PUBSUB}"><subscribe node="${TUNE}" jid="${stranger.bare}"/></pubsub>`
  await done(stranger, set(subscribing, juliet.bare.text))
  await stranger.leaves()
  await done(juliet, set(publish(TUNE, tune('Two'))))
  const [again] = await stage.connect('stranger/road')
  await again.sends`<presence/>`
  await again.receives`<presence from="${again}"/>`
  await again.receivesNothing()
})
