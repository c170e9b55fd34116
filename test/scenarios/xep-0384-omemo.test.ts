import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { isKept, isKeptInRoom } from './conversation.ts'
import { done, EVENT, form, get, ids, listen, OWNER, PUBSUB, publish, refusal, said, set } from './pep-client.ts'

const OMEMO = 'urn:xmpp:omemo:2'
const OLD = 'eu.siacs.conversations.axolotl'
const DEVICES = `${OMEMO}:devices`
const BUNDLES = `${OMEMO}:bundles`
const OPEN = { access_model: 'open' }
const MANY = { max_items: 'max', access_model: 'open' }
const secret = `<encrypted xmlns="${OMEMO}"><header sid="27183"><keys jid="juliet@a.test"><key rid="31415">AA==</key></keys></header><payload>AA==</payload></encrypted>`
const devices = (...numbers: number[]) =>
  `<item id="current"><devices xmlns="${OMEMO}">${numbers.map(id => `<device id="${id}"/>`).join('')}</devices></item>`
const bundle = (id: number) => `<item id="${id}"><bundle xmlns="${OMEMO}"><ik>AA==</ik></bundle></item>`
const old = `<item id="current"><bundle xmlns="${OLD}"><identityKey>AA==</identityKey></bundle></item>`
const items = (node: string, inside = '') =>
  get(`<pubsub xmlns="${PUBSUB}"><items node="${node}">${inside}</items></pubsub>`, 'juliet@a.test')

scenario('XEP-0384 § 5.5: what is encrypted needs no body to be kept', async ({ server }) => {
  await isKept(await server('a.test'), `${secret}<store xmlns="urn:xmpp:hints"/>`)
})

scenario('XEP-0384 § 5.5: nor a type, nor a hint', async ({ server }) => {
  await isKept(await server('a.test'), secret, 'normal')
})

scenario(
  'XEP-0384 § 5.5: a message that only mends keys is kept, or who is away would never have them',
  async ({ server }) => {
    await isKept(
      await server('a.test'),
      `<encrypted xmlns="${OLD}"><header sid="1"><key rid="2">AA==</key><iv>AA==</iv></header></encrypted>`,
    )
  },
)

scenario('XEP-0384 § 5.8: a room keeps what is encrypted', async ({ server }) => {
  await isKeptInRoom(await server('a.test'), secret)
})

scenario(
  'XEP-0384 § 5.3.1: devices are open from their first publish: strangers read them, and subscribe',
  async ({ server }) => {
    const [juliet, stranger] = await (await server('a.test')).join('juliet/balcony', 'stranger/road')
    await done(juliet, set(publish(DEVICES, devices(31415), OPEN)))
    expect(await ids(stranger, items(DEVICES))).toEqual(['current'])
    await done(
      stranger,
      set(`<pubsub xmlns="${PUBSUB}"><subscribe node="${DEVICES}" jid="${stranger.bare}"/></pubsub>`, 'juliet@a.test'),
    )
    await stranger.settles()
    await done(juliet, set(publish(DEVICES, devices(31415, 27183), OPEN)))
    await stranger.receives`<message from="juliet@a.test"><event xmlns="${EVENT}"><items node="${DEVICES}"><item id="current"><devices xmlns="${OMEMO}"><device id="31415"/><device id="27183"/></devices></item></items></event></message>`
  },
)

scenario('XEP-0384 § 5.3.2: each device has its bundle in one node, and strangers fetch one', async ({ server }) => {
  const [juliet, phone, stranger] = await (await server('a.test')).connect(
    'juliet/balcony',
    'juliet/phone',
    'stranger/road',
  )
  await done(juliet, set(publish(BUNDLES, bundle(1), MANY)))
  await done(phone, set(publish(BUNDLES, bundle(2), MANY)))
  await done(juliet, set(publish(BUNDLES, bundle(1), MANY)))
  expect((await ids(stranger, items(BUNDLES))).sort()).toEqual(['1', '2'])
  expect(await ids(stranger, items(BUNDLES, '<item id="2"/>'))).toEqual(['2'])
  // Clients that do not know the word name a number.
  await done(phone, set(publish(BUNDLES, bundle(3), { max_items: '1000', access_model: 'open' })))
})

scenario('XEP-0384 § 5.3.2: clients of old have a node for each device', async ({ server }) => {
  const [juliet, stranger] = await (await server('a.test')).connect('juliet/balcony', 'stranger/road')
  for (const options of [OPEN, { persist_items: 'true', ...OPEN }, { ...OPEN, max_items: '1' }, undefined])
    await done(juliet, set(publish(`${OLD}.bundles:1`, old, options)))
  expect(await ids(stranger, items(`${OLD}.bundles:1`))).toEqual(['current'])
})

scenario('XEP-0384 § 5.3.1: devices are open where the first publish says nothing of it', async ({ server }) => {
  const [juliet, stranger] = await (await server('a.test')).connect('juliet/balcony', 'stranger/road')
  const list = `<item id="current"><list xmlns="${OLD}"><device id="1"/></list></item>`
  await done(juliet, set(publish(DEVICES, devices(1))))
  await done(juliet, set(publish(`${OLD}.devicelist`, list)))
  for (const node of [DEVICES, `${OLD}.devicelist`]) expect(await ids(stranger, items(node))).toEqual(['current'])
})

scenario('XEP-0384 § 5.3.2: and bundles, of all devices', async ({ server }) => {
  const [juliet, stranger] = await (await server('a.test')).connect('juliet/balcony', 'stranger/road')
  for (const id of [1, 2]) await done(juliet, set(publish(BUNDLES, bundle(id))))
  expect((await ids(stranger, items(BUNDLES))).sort()).toEqual(['1', '2'])
})

scenario('XEP-0384 § 5.3.2: so is a node that a client makes before it publishes', async ({ server }) => {
  const [juliet, stranger] = await (await server('a.test')).connect('juliet/balcony', 'stranger/road')
  await done(juliet, set(`<pubsub xmlns="${PUBSUB}"><create node="${BUNDLES}"/></pubsub>`))
  for (const id of [1, 2]) await done(juliet, set(publish(BUNDLES, bundle(id))))
  expect((await ids(stranger, items(BUNDLES))).sort()).toEqual(['1', '2'])
})

const configured = (node: string, fields: Record<string, string>) =>
  set(`<pubsub xmlns="${OWNER}"><configure node="${node}">${form('node_config', fields)}</configure></pubsub>`)

scenario(
  'XEP-0384 § 5.3.2: a node that was made otherwise becomes what the next publish wants, and what it has stays',
  async ({ server }) => {
    const [juliet, stranger] = await (await server('a.test')).connect('juliet/balcony', 'stranger/road')
    await done(juliet, set(publish(BUNDLES, bundle(1))))
    await done(juliet, configured(BUNDLES, { access_model: 'presence', max_items: '1' }))
    expect(await refusal(stranger, items(BUNDLES))).toBe('not-authorized presence-subscription-required')
    await done(juliet, set(publish(BUNDLES, bundle(2), MANY)))
    expect((await ids(stranger, items(BUNDLES))).sort()).toEqual(['1', '2'])
  },
)

scenario('XEP-0384 § 5.3.2: no publish takes the bundles of other devices away', async ({ server }) => {
  const [juliet, stranger] = await (await server('a.test')).connect('juliet/balcony', 'stranger/road')
  for (const id of [1, 2]) await done(juliet, set(publish(BUNDLES, bundle(id), MANY)))
  await done(juliet, set(publish(BUNDLES, bundle(3), { access_model: 'open', max_items: '1' })))
  expect((await ids(stranger, items(BUNDLES))).sort()).toEqual(['1', '2', '3'])
})

scenario(
  'XEP-0384 § 5.3.1: whose owner wants devices to be private, by the same publish, has them so',
  async ({ server, befriend }) => {
    const [juliet, phone, romeo] = await (await server('a.test')).join(
      'juliet/balcony',
      'juliet/phone',
      'romeo/orchard',
    )
    await befriend(juliet, romeo)
    await listen([phone, romeo], DEVICES)
    await done(juliet, set(publish(DEVICES, devices(1), { ...OPEN, notify_config: '1' })))
    for (const actor of [juliet, phone, romeo]) await actor.settles()
    await done(juliet, set(publish(DEVICES, devices(1, 2), { access_model: 'whitelist' })))
    await phone.receives`<message><event xmlns="${EVENT}"><configuration node="${DEVICES}"/></event></message>`
    await phone.receives`<message><event xmlns="${EVENT}"><items node="${DEVICES}"><item id="current"/></items></event></message>`
    await romeo.receivesNothing()
    expect(await refusal(romeo, items(DEVICES))).toBe('not-allowed closed-node')
  },
)

scenario('XEP-0384 § 5.3.2: who only publishes there changes nothing else', async ({ server }) => {
  const [juliet, nurse] = await (await server('a.test')).connect('juliet/balcony', 'nurse/house')
  await done(juliet, set(publish(BUNDLES, bundle(1), MANY)))
  const publisher = `<affiliations node="${BUNDLES}"><affiliation jid="${nurse.bare}" affiliation="publisher"/></affiliations>`
  await done(juliet, set(`<pubsub xmlns="${OWNER}">${publisher}</pubsub>`))
  const closed = set(publish(BUNDLES, bundle(2), { access_model: 'whitelist' }), juliet.bare.text)
  expect(await refusal(nurse, closed)).toBe('conflict precondition-not-met')
})

scenario('XEP-0384 § 5.3.2: a client may also fill in the form that it is given', async ({ server }) => {
  const [juliet, stranger] = await (await server('a.test')).connect('juliet/balcony', 'stranger/road')
  await done(juliet, set(publish(BUNDLES, bundle(1), { access_model: 'whitelist' })))
  const shown = await done(juliet, get(`<pubsub xmlns="${OWNER}"><configure node="${BUNDLES}"/></pubsub>`))
  const fields = shown!.child('configure', OWNER)!.child('x', 'jabber:x:data')!.childrenNamed('field')
  const given = fields.map(
    field => [field.attrs['var']!, field.childrenNamed('value').map(value => value.text())] as const,
  )
  const whole = given
    .filter(([name]) => name !== 'FORM_TYPE')
    .map(([name, values]) => [name.replace('pubsub#', ''), values])
  await done(juliet, configured(BUNDLES, { ...Object.fromEntries(whole), ...MANY }))
  await done(juliet, set(publish(BUNDLES, bundle(2), MANY)))
  expect((await ids(stranger, items(BUNDLES))).sort()).toEqual(['1', '2'])
})

scenario('XEP-0384 § 5.3.2: or it is deleted, and made anew by the next publish', async ({ server }) => {
  const [juliet, stranger] = await (await server('a.test')).connect('juliet/balcony', 'stranger/road')
  await done(juliet, set(publish(DEVICES, devices(1), { access_model: 'whitelist' })))
  expect(await refusal(stranger, items(DEVICES))).toBe('not-allowed closed-node')
  await done(juliet, set(`<pubsub xmlns="${OWNER}"><delete node="${DEVICES}"/></pubsub>`))
  await done(juliet, set(publish(DEVICES, devices(1), OPEN)))
  expect(await ids(stranger, items(DEVICES))).toEqual(['current'])
})

scenario('XEP-0384 § 8: nobody puts a device into the list of somebody else, or takes one out', async ({ server }) => {
  const [juliet, mallory] = await (await server('a.test')).connect('juliet/balcony', 'mallory/road')
  const forged = set(publish(DEVICES, devices(666), OPEN), 'juliet@a.test')
  expect(await said(mallory, forged)).toBe('You may not publish here')
  await done(juliet, set(publish(DEVICES, devices(1), OPEN)))
  expect(await said(mallory, forged)).toBe('You may not publish here')
  for (const [namespace, change] of [
    [PUBSUB, `<retract node="${DEVICES}"><item id="current"/></retract>`],
    [OWNER, `<purge node="${DEVICES}"/>`],
    [OWNER, `<delete node="${DEVICES}"/>`],
    [OWNER, `<configure node="${DEVICES}">${form('node_config', { access_model: 'whitelist' })}</configure>`],
  ] as const)
    expect(await refusal(mallory, set(`<pubsub xmlns="${namespace}">${change}</pubsub>`, 'juliet@a.test'))).toBe(
      'forbidden',
    )
  const found = await done(mallory, items(DEVICES))
  expect(String(found)).toContain('device id="1"')
})
