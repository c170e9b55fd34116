import { expect } from '@jest/globals'
import { type Actor, p, refused, scenario } from '@parley/testkit'
import { type Element, parseElement } from '@parley/xml'
import { ADMIN, configures, enters, MUC, makes, OWNER, ROOM, USER } from './room.ts'

const FORMS = 'jabber:x:data'
const DISCO_INFO = 'http://jabber.org/protocol/disco#info'
const ADMINS = 'muc#roomconfig_roomadmins'
const OWNERS = 'muc#roomconfig_roomowners'

const submits = (actor: Actor, ...fields: readonly string[]) =>
  actor.asks`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}">${parseElement(
    `<x xmlns="${FORMS}" type="submit"><field var="FORM_TYPE"><value>${MUC}#roomconfig</value></field>${fields.join('')}</x>`,
  )}</query></iq>`
const field = (name: string, ...values: readonly (string | { toString(): string })[]) =>
  `<field var="${name}">${values.map(value => `<value>${value}</value>`).join('')}</field>`

const valuesIn = (form: Element, name: string) =>
  form
    .childrenNamed('field')
    .find(({ attrs }) => attrs['var'] === name)
    ?.childrenNamed('value')
    .map(value => value.text())

/** What the form of an owner says. */
async function settings(owner: Actor, name: string) {
  const query = await owner.asks`<iq type="get" to="${ROOM}"><query xmlns="${OWNER}"/></iq>`
  return valuesIn(query.child('x', FORMS)!, name)
}

/** What the room says of itself. */
async function info(actor: Actor, name: string) {
  const query = await actor.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}"/></iq>`
  return valuesIn(query.child('x', FORMS)!, name)
}

scenario('XEP-0045 § 10.2: the form names the admins and makes others admins', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await enters(nurse, 'nurse', ['romeo', 'juliet'])
  for (const actor of [romeo, juliet]) await actor.settles()
  expect(await settings(romeo, ADMINS)).toEqual([])

  await submits(romeo, field(ADMINS, juliet.bare, 'paris@a.test'))
  for (const actor of [romeo, juliet, nurse])
    await actor.receives`<presence from="${ROOM}/juliet"><x xmlns="${USER}"><item affiliation="admin" role="moderator"/></x></presence>`
  for (const actor of [romeo, juliet, nurse]) await actor.settles()
  expect(await settings(romeo, ADMINS)).toEqual([juliet.bare.text, 'paris@a.test'])

  // "denoting the change in status by including … a value of "member" or "none"".
  await submits(romeo, field(ADMINS, nurse.bare))
  for (const actor of [romeo, juliet, nurse])
    await actor.receivesUnordered(
      p`<presence from="${ROOM}/juliet"><x xmlns="${USER}"><item affiliation="member" role="participant"/></x></presence>`,
      p`<presence from="${ROOM}/nurse"><x xmlns="${USER}"><item affiliation="admin" role="moderator"/></x></presence>`,
    )
  for (const actor of [romeo, juliet, nurse]) await actor.settles()
  expect(await settings(romeo, ADMINS)).toEqual([nurse.bare.text])
})

scenario('XEP-0045 § 10.2: the form names the owners; who is none any more is an admin', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { membersonly: '1' })
  expect(await settings(romeo, OWNERS)).toEqual([romeo.bare.text])
  await submits(romeo, field(OWNERS, romeo.bare, juliet.bare))
  await romeo.settles()
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  expect(await settings(juliet, OWNERS)).toEqual([romeo.bare.text, juliet.bare.text])

  await submits(juliet, field(OWNERS, juliet.bare))
  for (const actor of [romeo, juliet])
    await actor.receives`<presence from="${ROOM}/romeo"><x xmlns="${USER}"><item affiliation="admin" role="moderator"/></x></presence>`
  for (const actor of [romeo, juliet]) await actor.settles()
  // Lists that contradict nothing: who is left out of both belongs to the room still.
  await submits(juliet, field(OWNERS, juliet.bare), field(ADMINS))
  for (const actor of [romeo, juliet])
    await actor.receives`<presence from="${ROOM}/romeo"><x xmlns="${USER}"><item affiliation="member" role="participant"/></x></presence>`
  for (const actor of [romeo, juliet]) await actor.settles()
})

scenario('XEP-0045 § 10.2: no form leaves a room without an owner', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await refused(submits(romeo, field(OWNERS)), 'conflict', 'A room has an owner')
  await refused(submits(romeo, field(OWNERS, '@')), 'jid-malformed')
  await refused(submits(juliet, field(OWNERS, juliet.bare)), 'forbidden', 'Only owners may do that')
  expect(await settings(romeo, OWNERS)).toEqual([romeo.bare.text])
  await submits(romeo, field(OWNERS, juliet.bare))
  await romeo.settles()
  expect(await settings(juliet, ADMINS)).toEqual([romeo.bare.text])
})

scenario('XEP-0045 § 6.4: the room says what its owners want to be known', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  for (const name of ['muc#roominfo_contactjid', 'muc#roominfo_logs', 'muc#roomconfig_pubsub'])
    expect([name, await info(juliet, name)]).toEqual([name, undefined])
  expect(await info(juliet, 'muc#roominfo_subjectmod')).toEqual(['1'])
  expect(await info(juliet, 'muc#maxhistoryfetch')).toEqual(['20'])

  const node = 'xmpp:pubsub.a.test?;node=the-coven-node'
  const given = [
    ['muc#roomconfig_pubsub', 'muc#roomconfig_pubsub', node],
    ['{urn:parley:rooms:0}contacts', 'muc#roominfo_contactjid', 'crone1@a.test'],
    ['{urn:parley:rooms:0}logs', 'muc#roominfo_logs', 'https://a.test/coven'],
    ['muc#maxhistoryfetch', 'muc#maxhistoryfetch', '50'],
    ['muc#roomconfig_changesubject', 'muc#roominfo_subjectmod', '0'],
  ] as const
  await submits(romeo, ...given.map(([name, , value]) => field(name, value)))
  await romeo.settles()
  for (const [name, shown, value] of given) {
    expect([name, await settings(romeo, name)]).toEqual([name, [value]])
    expect([shown, await info(juliet, shown)]).toEqual([shown, [value]])
  }
})

scenario('XEP-0045 § 6.4: contact addresses are some, and addresses', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  const contacts = '{urn:parley:rooms:0}contacts'
  const many = Array.from({ length: 21 }, (_, n) => `witch${n}@a.test`)
  await refused(
    submits(romeo, field(contacts, ...many)),
    'not-acceptable',
    '{urn:parley:rooms:0}contacts has too many addresses',
  )
  await refused(submits(romeo, field(contacts, 'a@b@c')), 'jid-malformed')
  expect(await settings(romeo, contacts)).toEqual([])
})

scenario('XEP-0045 § 9.5: the owners say who may see the list of members', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo', { whois: 'anyone', moderatedroom: '1', getmemberlist: 'participant' })
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member" jid="${juliet.bare}"/></query></iq>`
  await romeo.settles()
  const members = (actor: Actor) =>
    actor.asks`<iq type="get" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member"/></query></iq>`
  const listed = async (actor: Actor) => (await members(actor)).elements().map(({ attrs }) => attrs['jid'])
  // "a service SHOULD also allow any member to retrieve the member list even if not yet an occupant".
  expect(await listed(juliet)).toEqual([juliet.bare.text])
  await enters(juliet, 'juliet', ['romeo'])
  expect(await listed(juliet)).toEqual([juliet.bare.text])
  // Visitors may not, nor who is not here.
  await refused(members(nurse), 'forbidden', 'The list is not for you')
  await enters(nurse, 'nurse', ['romeo', 'juliet'])
  await refused(members(nurse), 'forbidden', 'The list is not for you')

  await configures(romeo, { getmemberlist: 'moderator' })
  for (const actor of [romeo, juliet, nurse]) await actor.settles()
  await refused(members(juliet), 'forbidden', 'The list is not for you')
  await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
  for (const actor of [romeo, juliet, nurse]) await actor.settles()
  await refused(members(juliet), 'forbidden', 'The list is not for you')
  expect(await listed(romeo)).toEqual([juliet.bare.text])
})
