import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { parseElement } from '@parley/xml'
import { configures, enters, isRefused, MUC, makes, OWNER, ROOM, USER } from './room.ts'

const DISCO_INFO = 'http://jabber.org/protocol/disco#info'

const features = async (actor: Actor) => {
  const info = await actor.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}"/></iq>`
  return info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
}

const submits = (actor: Actor, fields: string) =>
  actor.asks`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}">${parseElement(
    `<x xmlns="jabber:x:data" type="submit">${fields}</x>`,
  )}</query></iq>`
const field = (name: string, ...values: readonly string[]) =>
  `<field var="muc#roomconfig_${name}">${values.map(value => `<value>${value}</value>`).join('')}</field>`

scenario('XEP-0045 § 10.1.2: an instant room', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
})

scenario('XEP-0045 § 10.1.3: a room is set up, or given up', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await romeo.sends`<presence to="${ROOM}/romeo"><x xmlns="${MUC}"/></presence>`
  await romeo.settles()
  const form = await romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="${OWNER}"/></iq>`
  const fields = form
    .child('x', 'jabber:x:data')!
    .childrenNamed('field')
    .map(({ attrs }) => attrs['var'])
  expect(fields).toEqual(expect.arrayContaining(['muc#roomconfig_roomname', 'muc#roomconfig_whois']))

  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}"><x xmlns="jabber:x:data" type="cancel"/></query></iq>`
  await romeo.receives`<presence type="unavailable" from="${ROOM}/romeo"><x xmlns="${USER}"><destroy/></x></presence>`
  await refused(romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}"/></iq>`, 'item-not-found')
})

scenario('XEP-0045 § 10.1.3: whoever goes before the room is set up leaves none', async ({ server }) => {
  const [romeo, phone] = await (await server('a.test')).connect('romeo/orchard', 'romeo/phone')
  const asks = () => romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}"/></iq>`
  await romeo.sends`<presence to="${ROOM}/romeo"><x xmlns="${MUC}"/></presence>`
  await romeo.settles()
  await romeo.sends`<presence type="unavailable" id="bye" to="${ROOM}/romeo"/>`
  await romeo.receives`<presence type="unavailable" id="bye" from="${ROOM}/romeo"><x xmlns="${USER}"><item role="none"/><destroy/><status code="110"/></x></presence>`
  await refused(asks(), 'item-not-found', 'There is no such room')

  // Nor does a lost connection.
  await phone.sends`<presence to="${ROOM}/romeo"><x xmlns="${MUC}"/></presence>`
  await phone.settles()
  await asks()
  await phone.leaves()
  await refused(asks(), 'item-not-found', 'There is no such room')
})

scenario('XEP-0045 § 10.1.3: another client of the owner may set the room up', async ({ server }) => {
  const [romeo, phone] = await (await server('a.test')).connect('romeo/orchard', 'romeo/phone')
  for (const actor of [romeo, phone]) {
    await actor.sends`<presence to="${ROOM}/romeo"><x xmlns="${MUC}"/></presence>`
    await actor.settles()
  }
  await romeo.settles()
  await romeo.sends`<presence type="unavailable" to="${ROOM}/romeo"/>`
  const left = await romeo.client.next('the farewell')
  expect(left.child('x', USER)?.child('destroy')).toBeUndefined()
  await configures(phone, {})
  await phone.settles()
  expect(await features(romeo)).toContain('muc_open')
})

scenario('XEP-0045 § 18.1.1: a room discards no namespace, and says so', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  // "If a service does not discard any namespaces, it MUST return a <service-unavailable/> error".
  await refused(
    romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}" node="${MUC}#traffic"/></iq>`,
    'service-unavailable',
    'The room passes on what anybody may say',
  )
})

scenario('XEP-0045 § 10.2: the room says how it is set up, and that has changed', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  expect(await features(juliet)).toEqual(
    expect.arrayContaining(['muc_temporary', 'muc_hidden', 'muc_open', 'muc_unsecured', 'muc_semianonymous']),
  )
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await configures(romeo, { whois: 'anyone', persistentroom: '1' })
  // Threat 97: before any address is shown.
  await juliet.receives`<message type="groupchat" from="${ROOM}"><x xmlns="${USER}"><status code="172"/></x></message>`
  await juliet.receives`<presence from="${ROOM}/romeo"><x xmlns="${USER}"><item jid="${romeo}"/></x></presence>`
  await juliet.settles()
  await romeo.settles()
  expect(await features(juliet)).toEqual(expect.arrayContaining(['muc_persistent', 'muc_nonanonymous']))
})

scenario('XEP-0045 § 10.2: who is no member leaves a room that becomes one for members', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await configures(romeo, { membersonly: '1' })
  await juliet.receives`<message type="groupchat"><x xmlns="${USER}"><status code="104"/></x></message>`
  await juliet.receives`<presence type="unavailable" from="${ROOM}/juliet"><x xmlns="${USER}"><status code="322"/></x></presence>`
  await romeo.settles()
})

scenario('XEP-0045 § 10.2: a form that cannot be is refused as a whole', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await refused(submits(juliet, ''), 'forbidden', 'Only owners may do that')
  await refused(
    romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}"/></iq>`,
    'bad-request',
    'A form with the settings is needed',
  )
  for (const [name, value, text] of [
    ['throne', '1', 'The room has no such setting'],
    ['moderatedroom', 'perhaps', 'muc#roomconfig_moderatedroom is true or false'],
    ['passwordprotectedroom', 'perhaps', 'muc#roomconfig_passwordprotectedroom is true or false'],
    ['whois', 'nobody', 'muc#roomconfig_whois is one of moderators, anyone'],
    ['maxusers', '-1', 'muc#roomconfig_maxusers is a whole number up to 10000'],
    ['roomname', 'x'.repeat(300), 'muc#roomconfig_roomname is too long'],
    ['presencebroadcast', 'king', 'muc#roomconfig_presencebroadcast names roles'],
  ] as const)
    await refused(submits(romeo, field('publicroom', '1') + field(name, value)), 'not-acceptable', text)
  expect(await features(romeo)).toContain('muc_hidden')
})

scenario('XEP-0045 § 10.1.3: a room that needs a password has one', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  // "because the password for a password-protected room is blank".
  const text = 'A room that needs a password has one'
  await refused(submits(romeo, field('passwordprotectedroom', '1')), 'not-acceptable', text)
  await refused(submits(romeo, field('passwordprotectedroom', '1') + field('roomsecret', '')), 'not-acceptable', text)
  expect(await features(juliet)).toContain('muc_unsecured')

  await submits(romeo, field('passwordprotectedroom', '1') + field('roomsecret', 'cauldronburn'))
  // It has one by now.
  await submits(romeo, field('passwordprotectedroom', '1'))
  expect(await features(juliet)).toContain('muc_passwordprotected')
  await refused(submits(romeo, field('roomsecret', '') + field('passwordprotectedroom', '1')), 'not-acceptable', text)
  await submits(romeo, field('passwordprotectedroom', '0'))
  expect(await features(juliet)).toContain('muc_unsecured')
  await romeo.settles()
})

scenario('XEP-0045 § 10.9: a room is destroyed, everybody is told where to go', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { persistentroom: '1' })
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await refused(
    juliet.asks`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}"><destroy/></query></iq>`,
    'forbidden',
    'Only owners may do that',
  )
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}"><destroy jid="castle@conference.a.test"><reason>Macbeth</reason></destroy></query></iq>`
  for (const actor of [romeo, juliet])
    await actor.receives`<presence type="unavailable" to="${actor}"><x xmlns="${USER}"><destroy jid="castle@conference.a.test"><reason>Macbeth</reason></destroy></x></presence>`
  await refused(juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}"/></iq>`, 'gone', 'Macbeth')
})

scenario('XEP-0045 § 10.1.1: who may make rooms', async ({ server }) => {
  const config = { modules: { muc: { create: 'admins' } } }
  const [romeo] = await (await server('a.test', { config })).connect('romeo/orchard')
  await romeo.sends`<presence to="${ROOM}/romeo"><x xmlns="${MUC}"/></presence>`
  await isRefused(romeo, 'presence', 'not-allowed', 'You may not make rooms here')
})

scenario('XEP-0045 § 7.12: the nick that is kept for somebody', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const own = async () => {
    const info =
      await juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}" node="x-roomuser-item"/></iq>`
    return info.child('identity', DISCO_INFO)?.attrs['name']
  }
  expect(await own()).toBeUndefined()
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${MUC}#admin"><item affiliation="member" jid="${juliet.bare}" nick="fairest"/></query></iq>`
  expect(await own()).toBe('fairest')
  await refused(
    juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}" node="other"/></iq>`,
    'item-not-found',
    'The room has no such node',
  )
})
