import { expect } from '@jest/globals'
import { type Actor, type StagedServer, scenario } from '@parley/testkit'
import { parseElement } from '@parley/xml'
import { done, EVENT, get, listen, PUBSUB, publish, refusal, said, set, wants } from './pep-client.ts'

type Befriend = (a: Actor, b: Actor) => Promise<void>

const NICK = 'http://jabber.org/protocol/nick'
const items = (node: string) => get(`<pubsub xmlns="${PUBSUB}"><items node="${node}"/></pubsub>`, 'juliet@a.test')

/** Juliet tells it: her contact hears it, now and when he comes later, until she takes it back; a stranger hears nothing. */
async function isTold(stage: StagedServer, befriend: Befriend, payload: string): Promise<void> {
  const told = parseElement(payload)
  const node = told.ns
  const hears = (actor: Actor, what = told) =>
    actor.receives`<message from="juliet@a.test" type="headline"><event xmlns="${EVENT}"><items node="${node}"><item>${what}</item></items></event></message>`
  const [juliet, romeo, stranger] = await stage.join('juliet/balcony', 'romeo/orchard', 'stranger/road')
  await befriend(juliet, romeo)
  await listen([romeo, stranger], node)
  await done(juliet, set(publish(node, `<item>${payload}</item>`)))
  await hears(romeo)
  await stranger.receivesNothing()
  expect(await refusal(stranger, items(node))).toBe('not-authorized presence-subscription-required')

  const [phone] = await stage.connect('romeo/phone')
  await wants(phone, node)
  // Presence of others comes in between.
  const news = () => phone.unexpected.find(({ name }) => name === 'message')
  await phone.client.until(() => news() !== undefined, 'the last of it')
  expect(String(news())).toContain(String(told))
  await phone.settles()
  await phone.leaves()
  await romeo.settles()
  const nothing = `<${told.name} xmlns="${node}"/>`
  await done(juliet, set(publish(node, `<item>${nothing}</item>`)))
  await hears(romeo, parseElement(nothing))
  await juliet.settles()
}

/** A contact cannot tell it for Juliet, and she cannot tell more than there is room for. */
async function isHerOwn(
  server: (domain: string, options: object) => Promise<StagedServer>,
  befriend: Befriend,
  payload: string,
) {
  const { ns: node, name } = parseElement(payload)
  const config = { modules: { pep: { bytes: 1000 } } }
  const [juliet, romeo] = await (await server('a.test', { config })).join('juliet/balcony', 'romeo/orchard')
  await befriend(juliet, romeo)
  await done(juliet, set(publish(node, `<item>${payload}</item>`)))
  const forged = set(publish(node, `<item>${payload}</item>`), 'juliet@a.test')
  expect(await said(romeo, forged)).toBe('You may not publish here')
  const long = `<item><${name} xmlns="${node}">${'x'.repeat(1000)}</${name}></item>`
  expect(await said(juliet, set(publish(node, long)))).toBe('The payload is too large')
  expect(String(await done(romeo, items(node)))).not.toContain('xxx')
}

const GEOLOC = `<geoloc xmlns="http://jabber.org/protocol/geoloc"><accuracy>20</accuracy><lat>45.44</lat><lon>12.33</lon></geoloc>`
scenario(
  'XEP-0080 § 4.1: where somebody is is told to contacts who want to hear it, and taken back',
  async ({ server, befriend }) => {
    await isTold(await server('a.test'), befriend, GEOLOC)
  },
)
scenario('XEP-0080 § 4.1: where somebody is is told by nobody else, and in few words', async ({ server, befriend }) => {
  await isHerOwn(server, befriend, GEOLOC)
})

const MOOD = `<mood xmlns="http://jabber.org/protocol/mood"><annoyed/><text>curse my nurse!</text></mood>`
scenario(
  'XEP-0107 § 2.2: a mood is told to contacts who want to hear it, and taken back',
  async ({ server, befriend }) => {
    await isTold(await server('a.test'), befriend, MOOD)
  },
)
scenario('XEP-0107 § 2.2: a mood is told by nobody else, and in few words', async ({ server, befriend }) => {
  await isHerOwn(server, befriend, MOOD)
})

const ACTIVITY = `<activity xmlns="http://jabber.org/protocol/activity"><relaxing><partying/></relaxing></activity>`
scenario(
  'XEP-0108 § 2.2: what somebody does is told to contacts who want to hear it, and taken back',
  async ({ server, befriend }) => {
    await isTold(await server('a.test'), befriend, ACTIVITY)
  },
)
scenario(
  'XEP-0108 § 2.2: what somebody does is told by nobody else, and in few words',
  async ({ server, befriend }) => {
    await isHerOwn(server, befriend, ACTIVITY)
  },
)

const TUNE = `<tune xmlns="http://jabber.org/protocol/tune"><artist>Yes</artist><length>686</length><track>3</track></tune>`
scenario(
  'XEP-0118 § 2.2: what somebody listens to is told to contacts who want to hear it, and taken back',
  async ({ server, befriend }) => {
    await isTold(await server('a.test'), befriend, TUNE)
  },
)
scenario(
  'XEP-0118 § 2.2: what somebody listens to is told by nobody else, and in few words',
  async ({ server, befriend }) => {
    await isHerOwn(server, befriend, TUNE)
  },
)

const NICKNAME = `<nick xmlns="${NICK}">CallMeJuliet</nick>`
scenario(
  'XEP-0172 § 4.3: a nickname is told to contacts who want to hear it, and taken back',
  async ({ server, befriend }) => {
    await isTold(await server('a.test'), befriend, NICKNAME)
  },
)
scenario('XEP-0172 § 4.3: a nickname is told by nobody else, and in few words', async ({ server, befriend }) => {
  await isHerOwn(server, befriend, NICKNAME)
})

scenario('XEP-0172 § 4.1: a nickname comes with the request of a stranger, even to who is away', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  await romeo.sends`<presence type="subscribe" to="juliet@a.test"><nick xmlns="${NICK}">Romeo</nick></presence>`
  await romeo.settles()
  const [juliet] = await stage.connect('juliet/balcony')
  await juliet.sends`<presence/>`
  await juliet.receives`<presence/>`
  await juliet.receives`<presence type="subscribe" from="romeo@a.test"><nick xmlns="${NICK}">Romeo</nick></presence>`
})
