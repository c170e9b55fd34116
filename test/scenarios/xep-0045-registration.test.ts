import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { type Element, parseElement } from '@parley/xml'
import { ADMIN, configures, enters, isRefused, MUC, makes, ROOM, USER } from './room.ts'

const REGISTER = 'jabber:iq:register'
const FORM = `${MUC}#register`
const DATA = 'jabber:x:data'

const asksFor = (actor: Actor) => actor.asks`<iq type="get" to="${ROOM}"><query xmlns="${REGISTER}"/></iq>`
const sends = (actor: Actor, content: string) =>
  actor.asks`<iq type="set" to="${ROOM}">${parseElement(`<query xmlns="${REGISTER}">${content}</query>`)}</iq>`
const field = (name: string, value: string) => `<field var="${name}"><value>${value}</value></field>`
const filled = (...fields: readonly string[]) =>
  `<x xmlns="${DATA}" type="submit">${field('FORM_TYPE', FORM)}${fields.join('')}</x>`
const registers = (actor: Actor, nick: string) => sends(actor, filled(field('muc#register_roomnick', nick)))
const change = (actor: Actor, item: string) =>
  actor.asksRaw(`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}">${item}</query></iq>`)

/** The settings of a room in which an admin decides. */
const ASKING = { persistentroom: '1', membersonly: '1' }

async function reservedFor(actor: Actor): Promise<string | undefined> {
  const info =
    await actor.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info" node="x-roomuser-item"/></iq>`
  return info.firstElement()?.attrs['name']
}

/** Sends back what an admin has been asked, with an answer. */
async function decides(admin: Actor, form: Element, allow: string): Promise<void> {
  const fields = form.childrenNamed('field').map(own => {
    const name = own.attrs['var']!
    return field(name, name === 'muc#register_allow' ? allow : own.textOf('value', DATA)!)
  })
  await admin.sendsRaw(`<message to="${ROOM}"><x xmlns="${DATA}" type="submit">${fields.join('')}</x></message>`)
  await admin.fence()
}

/** The form of the next message, and what it says by field. */
async function isAsked(admin: Actor): Promise<{ form: Element; says: Record<string, string | undefined> }> {
  const message = await admin.client.next('a registration request')
  const form = message.child('x', DATA)!
  const says = form.childrenNamed('field').map(own => [own.attrs['var'], own.textOf('value', DATA)])
  return { form, says: Object.fromEntries(says) as Record<string, string | undefined> }
}

scenario('XEP-0045 § 7.10: who registers is a member, with a nick of its own', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()

  const query = await asksFor(juliet)
  const form = query.child('x', DATA)!
  expect(form.childrenNamed('field').map(own => [own.attrs['var'], own.textOf('value', DATA)])).toEqual([
    ['FORM_TYPE', FORM],
    ['muc#register_roomnick', 'juliet'],
  ])
  expect(query.child('registered', REGISTER)).toBeUndefined()
  await registers(juliet, 'fairest')
  await juliet.receives`<presence from="${ROOM}/juliet"><x xmlns="${USER}"><item affiliation="member" role="participant"/><status code="110"/></x></presence>`
  await romeo.receives`<presence from="${ROOM}/juliet"><x xmlns="${USER}"><item affiliation="member" jid="${juliet}"/></x></presence>`

  const registered = await asksFor(juliet)
  expect(registered.child('registered', REGISTER)).toBeDefined()
  expect(registered.textOf('username', REGISTER)).toBe('fairest')
  // § 7.12
  expect([await reservedFor(juliet), await reservedFor(nurse)]).toEqual(['fairest', undefined])
  await nurse.sends`<presence to="${ROOM}/fairest"><x xmlns="${MUC}"/></presence>`
  await isRefused(nurse, 'presence', 'conflict', 'The nick is kept for somebody else')
  await romeo.sends`<presence to="${ROOM}/fairest"/>`
  await isRefused(romeo, 'presence', 'conflict', 'The nick is kept for somebody else')
})

scenario('XEP-0045 § 7.10: who may not register, and what cannot be', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await refused(asksFor(juliet), 'item-not-found', 'There is no such room')
  await romeo.sends`<presence to="${ROOM}/romeo"><x xmlns="${MUC}"/></presence>`
  await romeo.fence()
  await refused(asksFor(juliet), 'item-not-found', 'The room is being set up')
  await configures(romeo, {})
  await registers(nurse, 'nurse')
  await romeo.settles()

  await refused(sends(juliet, ''), 'bad-request', 'A form with the nick that you want is needed')
  await refused(sends(juliet, filled()), 'bad-request', 'A form with the nick that you want is needed')
  for (const [nick, condition, text] of [
    ['nurse', 'conflict', 'The nick is kept for somebody else'],
    ['romeo', 'conflict', 'The nick is taken'],
    ['nur\u00adse', 'jid-malformed', undefined],
    ['two  spaces', 'not-acceptable', 'The nick has characters that nobody sees'],
  ] as const)
    await refused(registers(juliet, nick), condition, text)
  await sends(juliet, `<x xmlns="${DATA}" type="cancel"/>`)
  await change(romeo, `<item affiliation="outcast" jid="${juliet.bare}"/>`)
  for (const attempt of [() => asksFor(juliet), () => registers(juliet, 'fairest')])
    await refused(attempt(), 'not-allowed', 'You may not register with this room')
  expect(await reservedFor(juliet)).toBeUndefined()
})

scenario('XEP-0045 § 7.10: an owner says whether anybody may register', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const features = async () => {
    const info =
      await juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
    return info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
  }
  expect(await features()).toContain(FORM)
  await romeo.asksRaw(
    `<iq type="set" to="${ROOM}"><query xmlns="${MUC}#owner"><x xmlns="${DATA}" type="submit">${field('x-muc#roomconfig_registration', 'closed')}</x></query></iq>`,
  )
  await romeo.settles()
  expect(await features()).not.toContain(FORM)
  await refused(registers(juliet, 'fairest'), 'not-allowed', 'You may not register with this room')
})

scenario('XEP-0045 § 7.10: the registration is taken back', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  for (const actor of [romeo, juliet]) {
    await refused(sends(actor, '<remove/>'), 'registration-required', 'You are not registered with this room')
    await registers(actor, `${actor.jid.local}-1`)
    expect(await reservedFor(actor)).toBe(`${actor.jid.local}-1`)
    await sends(actor, '<remove/>')
    expect(await reservedFor(actor)).toBeUndefined()
  }
  // An owner stays one.
  const owners =
    await romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="owner"/></query></iq>`
  expect(owners.elements().map(({ attrs }) => attrs['jid'])).toEqual([romeo.bare.text])
  const members =
    await romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member"/></query></iq>`
  expect(members.elements()).toEqual([])
  await romeo.settles()
})

scenario('XEP-0045 § 9.9: an admin decides who becomes a member', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse] = await stage.join('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo', ASKING)
  await registers(juliet, 'fairest')
  const { form, says } = await isAsked(romeo)
  expect(says).toMatchObject({
    'x-muc#register_jid': juliet.bare.text,
    'muc#register_roomnick': 'fairest',
    'muc#register_allow': '0',
  })
  expect(await reservedFor(juliet)).toBeUndefined()
  await refused(registers(nurse, 'fairest'), 'conflict', 'Somebody else has asked for the nick')

  // Nobody lets itself in.
  await juliet.sendsRaw(
    `<message to="${ROOM}">${filled(field('x-muc#register_jid', juliet.bare.text), field('muc#register_allow', '1'))}</message>`,
  )
  await isRefused(juliet, 'message', 'forbidden', 'Only admins decide who is a member')
  await decides(romeo, form, '1')
  await juliet.receives`<message from="${ROOM}" to="${juliet.bare}"><x xmlns="${USER}"><item affiliation="member"/><status code="101"/></x><x xmlns="jabber:x:conference" jid="${ROOM}"/></message>`
  expect(await reservedFor(juliet)).toBe('fairest')
  await enters(juliet, 'fairest', ['romeo'])
  await romeo.settles()
  // What was decided is decided.
  await decides(romeo, form, '1')
  await romeo.receivesNothing()
})

scenario('XEP-0045 § 9.9: an admin says no, and who is banned stays out', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', ASKING)
  await registers(juliet, 'fairest')
  const first = await isAsked(romeo)
  await decides(romeo, first.form, '0')
  await juliet.sends`<presence to="${ROOM}/fairest"><x xmlns="${MUC}"/></presence>`
  await isRefused(juliet, 'presence', 'registration-required', 'Only members may enter')

  await registers(juliet, 'fairest')
  const second = await isAsked(romeo)
  await change(romeo, `<item affiliation="outcast" jid="${juliet.bare}"/>`)
  await decides(romeo, second.form, '1')
  await juliet.sends`<presence to="${ROOM}/fairest"><x xmlns="${MUC}"/></presence>`
  await isRefused(juliet, 'presence', 'forbidden', 'You are banned from this room')
})

scenario('XEP-0045 § 9.9: the nick may be gone when an admin agrees; a request is taken back', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', ASKING)
  await registers(juliet, 'fairest')
  const { form } = await isAsked(romeo)
  await change(romeo, '<item affiliation="member" jid="nurse@a.test" nick="fairest"/>')
  await decides(romeo, form, '1')
  await isRefused(romeo, 'message', 'conflict', 'The nick is kept for somebody else')
  await sends(juliet, '<remove/>')
  await decides(romeo, form, '1')
  expect(await reservedFor(juliet)).toBeUndefined()
})

scenario('XEP-0045 § 9.9: a request waits for an admin who is away, and for the next start', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', ASKING)
  await romeo.leaves()
  await registers(juliet, 'fairest')
  await juliet.leaves()
  await stage.stop()

  const again = await server('a.test')
  const [later] = await again.connect('romeo/orchard')
  await later.sends`<presence/>`
  await later.receives`<presence/>`
  const { form, says } = await isAsked(later)
  expect(says['x-muc#register_jid']).toBe('juliet@a.test')
  await decides(later, form, '1')
  const [back] = await again.connect('juliet/balcony')
  expect(await reservedFor(back)).toBe('fairest')
})

scenario('XEP-0045 § 7.10: nobody gets voice, or past a password, by registering', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  for (const settings of [{ moderatedroom: '1' }, { moderatedroom: '0', roomsecret: 'burn' }]) {
    await configures(romeo, settings)
    await romeo.receives`<message type="groupchat"/>`
    await registers(juliet, 'fairest')
    await isAsked(romeo)
    await refused(
      juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member"/></query></iq>`,
      'forbidden',
    )
    expect(await reservedFor(juliet)).toBeUndefined()
  }
})

scenario('XEP-0045 § 9.9: a room that is its own admin goes on', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', ASKING)
  await change(romeo, `<item affiliation="admin" jid="${ROOM}"/>`)
  await registers(juliet, 'fairest')
  const { form } = await isAsked(romeo)
  await decides(romeo, form, '1')
  expect(await reservedFor(juliet)).toBe('fairest')
  for (const actor of [romeo, juliet]) await actor.settles()
})

scenario('XEP-0045 § 7.10: admins are not flooded', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse] = await stage.join('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo', ASKING)
  for (let n = 0; n < 10; n++) await registers(juliet, `juliet-${n}`)
  await refused(registers(juliet, 'juliet-10'), 'resource-constraint', 'You register too often')

  const requests = stage.store.maps.map<{ nick: string }>('muc.requests')
  for (let n = 1; n < 100; n++) await requests.set(ROOM, `witch-${n}@a.test`, { nick: `witch-${n}` })
  await refused(registers(nurse, 'nurse'), 'resource-constraint', 'Too many registrations wait for an admin')
  await romeo.settles()
})

scenario('XEP-0045 § 9.9: an admin agrees to the nick that it has seen', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', ASKING)
  await registers(juliet, 'Juliet')
  const { form } = await isAsked(romeo)
  await registers(juliet, 'The Prince himself')
  await romeo.settles()
  await decides(romeo, form, '1')
  await juliet.settles()
  expect(await reservedFor(juliet)).toBe('Juliet')
})
