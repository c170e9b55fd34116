import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'
import { ADMIN, configures, enters, isRefused, makes, OWNER, ROOM } from './room.ts'

const TEXT = 'Slow mode: wait 20 seconds between messages'

async function says(actor: Actor, body: string): Promise<void> {
  await actor.sends`<message type="groupchat" to="${ROOM}"><body>${body}</body></message>`
}

async function isHeard(body: string, ...actors: readonly Actor[]): Promise<void> {
  for (const actor of actors) await actor.receives`<message type="groupchat"><body>${body}</body></message>`
}

scenario('XEP-0500 § 6: who speaks again too early is told to wait, in all clients', async ({ server, after }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.connect('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await makes(romeo, 'romeo', { slow_mode_duration: '20' })
  await enters(juliet, 'juliet', ['romeo'])
  await enters(phone, 'other', ['romeo', 'juliet'])
  for (const actor of [romeo, juliet, phone]) await actor.settles()

  await says(juliet, 'one')
  await isHeard('one', romeo, juliet, phone)
  for (const actor of [juliet, phone]) {
    await says(actor, 'two')
    await actor.receives`<message type="error"><error type="wait"><policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">${TEXT}</text></error></message>`
  }
  await romeo.receivesNothing()
  // What has no body does not count.
  await juliet.sends`<message type="groupchat" to="${ROOM}"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`
  for (const actor of [romeo, juliet, phone])
    await actor.receives`<message type="groupchat"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`
  await after('20s')
  await says(phone, 'three')
  await isHeard('three', romeo, juliet, phone)
})

scenario('XEP-0500 § 6: owners and admins need not wait, and moderators do', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { slow_mode_duration: '20' })
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item nick="juliet" role="moderator"/></query></iq>`
  for (const actor of [romeo, juliet]) await actor.settles()
  for (const body of ['one', 'two']) {
    await says(romeo, body)
    await isHeard(body, romeo, juliet)
  }
  await says(juliet, 'three')
  await isHeard('three', romeo, juliet)
  await says(juliet, 'four')
  await isRefused(juliet, 'message', 'policy-violation', TEXT)
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item jid="${juliet.bare}" affiliation="admin"/></query></iq>`
  for (const actor of [romeo, juliet]) await actor.settles()
  await says(juliet, 'five')
  await isHeard('five', romeo, juliet)
})

scenario('XEP-0500 § 5: the form says what a value is like, and the room says what it is', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const duration = async () => {
    const info =
      await juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
    const fields = info.child('x', 'jabber:x:data')?.childrenNamed('field')
    return fields?.find(({ attrs }) => attrs['var'] === 'muc#roominfo_slow_mode_duration')?.textOf('value')
  }
  expect(await duration()).toBe('0')
  const form = await romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="${OWNER}"/></iq>`
  const field = form
    .child('x', 'jabber:x:data')
    ?.childrenNamed('field')
    .find(({ attrs }) => attrs['var'] === 'muc#roomconfig_slow_mode_duration')
  const validate = field?.child('validate', 'http://jabber.org/protocol/xdata-validate')
  expect([validate?.attrs['datatype'], validate?.elements()[0]?.attrs['min']]).toEqual(['xs:integer', '0'])

  await configures(romeo, { slow_mode_duration: '20' })
  expect(await duration()).toBe('20')
  await romeo.receives`<message type="groupchat" from="${ROOM}"><x xmlns="http://jabber.org/protocol/muc#user"><status code="104"/></x></message>`
  for (const value of ['-1', '1.5', '999999999999', 'soon']) await configures(romeo, { slow_mode_duration: value })
  expect(await duration()).toBe('20')
  await romeo.receivesNothing()
})

scenario('XEP-0500 § 6: who has spoken waits, though the room was closed meanwhile', async ({ server, after }) => {
  const before = await server('a.test')
  const [romeo, juliet] = await before.connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { slow_mode_duration: '600', persistentroom: '1' })
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await says(juliet, 'one')
  await isHeard('one', romeo, juliet)
  for (const actor of [juliet, romeo]) await actor.leaves()
  romeo.client.inbox.length = 0
  await before.stop()
  await after('1m')

  const [again] = await (await server('a.test')).connect('juliet/phone')
  await again.sends`<presence to="${ROOM}/juliet"><x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="0"/></x></presence>`
  await again.settles()
  await says(again, 'two')
  await isRefused(again, 'message', 'policy-violation', 'Slow mode: wait 600 seconds between messages')
  await after('10m')
  await says(again, 'three')
  await isHeard('three', again)
})
