import { expect } from '@jest/globals'
import { refused, scenario } from '@parley/testkit'
import { configures, enters, isRefused, MUC, makes, ROOM, USER } from './room.ts'

const DISCO_INFO = 'http://jabber.org/protocol/disco#info'
const DISCO_ITEMS = 'http://jabber.org/protocol/disco#items'

scenario('XEP-0045 § 6.1: the host names the service, the service what it speaks', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  const items = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${DISCO_ITEMS}"/></iq>`
  expect(items.elements().map(({ attrs }) => attrs['jid'])).toContain('conference.a.test')
  const info = await romeo.asks`<iq type="get" to="conference.a.test"><query xmlns="${DISCO_INFO}"/></iq>`
  expect(info.child('identity', DISCO_INFO)?.attrs).toMatchObject({ category: 'conference', type: 'text' })
  expect(info.elements().map(({ attrs }) => attrs['var'])).toContain(MUC)
})

scenario('XEP-0045 § 6.3: only rooms that want to be found are named', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const named = async () => {
    const items = await romeo.asks`<iq type="get" to="conference.a.test"><query xmlns="${DISCO_ITEMS}"/></iq>`
    return items.elements().map(({ attrs }) => [attrs['jid'], attrs['name']])
  }
  await makes(romeo, 'romeo')
  expect(await named()).toEqual([])

  await configures(romeo, { publicroom: '1', roomname: 'A coven' })
  await romeo.receives`<message type="groupchat"><x xmlns="${USER}"><status code="104"/></x></message>`
  expect(await named()).toEqual([[ROOM, 'A coven']])
})

scenario('XEP-0045 § 7.2: those who are here come first, then oneself, then the subject', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'thirdwitch')

  await juliet.sends`<presence to="${ROOM}/hag66"><show>away</show><x xmlns="${MUC}"/></presence>`
  await juliet.receives`<presence from="${ROOM}/thirdwitch"><x xmlns="${USER}"><item affiliation="owner" role="moderator"/></x></presence>`
  await juliet.receives`<presence from="${ROOM}/hag66"><show>away</show><x xmlns="${USER}"><item affiliation="none" role="participant"/><status code="110"/></x></presence>`
  await juliet.receives`<message type="groupchat" from="${ROOM}"><subject/></message>`
  // Moderators see who it is.
  await romeo.receives`<presence from="${ROOM}/hag66"><show>away</show><x xmlns="${USER}"><item jid="${juliet}" role="participant"/></x></presence>`
  await romeo.receivesNothing()
})

scenario('XEP-0045 § 7.2: what a client sends right behind its entering counts', async ({ server }) => {
  const [romeo, ...others] = await (await server('a.test')).connect('romeo/orchard', 'juliet/x', 'nurse/x', 'paris/x')
  await makes(romeo, 'romeo')
  for (const actor of others) {
    const { local } = actor.jid
    await actor.sends`<presence to="${ROOM}/${local}"><x xmlns="${MUC}"/></presence>`
    await actor.sends`<presence to="${ROOM}/${local}"><show>away</show></presence>`
    await actor.sends`<message type="groupchat" to="${ROOM}"><body>${local}</body></message>`
    await romeo.receives`<presence from="${ROOM}/${local}"/>`
    await romeo.receives`<presence from="${ROOM}/${local}"><show>away</show></presence>`
    await romeo.receives`<message from="${ROOM}/${local}"><body>${local}</body></message>`
  }
  for (const actor of others) await actor.settles()
})

scenario('XEP-0045 § 7.2.1: a nick is needed', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await romeo.sends`<presence to="${ROOM}"><x xmlns="${MUC}"/></presence>`
  await isRefused(romeo, 'presence', 'jid-malformed', 'A nick is needed')
})

scenario('XEP-0045 § 7.7: presence without having entered is answered by saying so', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await juliet.sends`<presence to="${ROOM}/juliet"/>`
  await juliet.receives`<presence type="unavailable" from="${ROOM}/juliet"><x xmlns="${USER}"><item role="none"/><status code="110"/><status code="307"/><status code="333"/></x></presence>`
  await romeo.receivesNothing()
})

scenario('XEP-0045 § 7.2.5: a password', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { roomsecret: 'cauldronburn', passwordprotectedroom: '1' })

  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><password>other</password></x></presence>`
  await isRefused(juliet, 'presence', 'not-authorized', 'The room has another password')
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><password>cauldronburn</password></x></presence>`
  await juliet.receives`<presence from="${ROOM}/romeo"/>`
  await juliet.receives`<presence from="${ROOM}/juliet"/>`
  await juliet.settles()
  await romeo.settles()
})

scenario('XEP-0045 § 7.2.5: owners need the password too', async ({ server }) => {
  const [romeo, phone] = await (await server('a.test')).connect('romeo/orchard', 'romeo/phone')
  await makes(romeo, 'romeo', { roomsecret: 'cauldronburn' })
  await phone.sends`<presence to="${ROOM}/phone"><x xmlns="${MUC}"/></presence>`
  await isRefused(phone, 'presence', 'not-authorized', 'The room has another password')
  await phone.sends`<presence to="${ROOM}/phone"><x xmlns="${MUC}"><password>cauldronburn</password></x></presence>`
  await phone.receives`<presence from="${ROOM}/romeo"/>`
  await phone.settles()
  await romeo.settles()
})

scenario('XEP-0045 § 7.2.6, § 7.2.7: members only, and the banned', async ({ server }) => {
  const [romeo, juliet, tybalt] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'tybalt/x')
  await makes(romeo, 'romeo', { membersonly: '1' })
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await isRefused(juliet, 'presence', 'registration-required', 'Only members may enter')

  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${MUC}#admin"><item affiliation="member" jid="${juliet.bare}"/><item affiliation="outcast" jid="${tybalt.bare}"/></query></iq>`
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await tybalt.sends`<presence to="${ROOM}/tybalt"><x xmlns="${MUC}"/></presence>`
  await isRefused(tybalt, 'presence', 'forbidden', 'You are banned from this room')
})

scenario('XEP-0045 § 7.2.8: a nick that is taken', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await juliet.sends`<presence to="${ROOM}/romeo"><x xmlns="${MUC}"/></presence>`
  await isRefused(juliet, 'presence', 'conflict', 'The nick is taken')
})

scenario('XEP-0045 § 7.2.8: a nick that is kept for a member', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${MUC}#admin"><item affiliation="member" jid="nurse@a.test" nick="nurse"/></query></iq>`
  await juliet.sends`<presence to="${ROOM}/nurse"><x xmlns="${MUC}"/></presence>`
  await isRefused(juliet, 'presence', 'conflict', 'The nick is kept for somebody else')
})

scenario('XEP-0045 § 7.12: whoever has a nick kept may write it in another case', async ({ server }) => {
  const [romeo, nurse, phone] = await (await server('a.test')).connect('romeo/orchard', 'nurse/x', 'nurse/phone')
  await makes(romeo, 'romeo')
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${MUC}#admin"><item affiliation="member" jid="${nurse.bare}" nick="nurse"/></query></iq>`
  await enters(nurse, 'Nurse', ['romeo'])
  await enters(phone, 'nurse', ['romeo', 'Nurse'])
  for (const actor of [romeo, nurse]) await actor.settles()
  await nurse.sends`<presence to="${ROOM}/NURSE"/>`
  await nurse.receives`<presence type="unavailable" from="${ROOM}/Nurse"/>`
  await nurse.receives`<presence from="${ROOM}/NURSE"/>`
  for (const actor of [romeo, phone]) await actor.settles()
})

scenario('XEP-0045 § 7.2.9, § 7.2.10: full, or being set up', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<presence to="${ROOM}/romeo"><x xmlns="${MUC}"/></presence>`
  await romeo.settles()
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await isRefused(juliet, 'presence', 'item-not-found', 'The room is being set up')
  await configures(romeo, { maxusers: '1' })
  await romeo.settles()
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await isRefused(juliet, 'presence', 'service-unavailable', 'The room is full')
})

scenario('XEP-0045 § 7.14: who leaves says goodbye, and an empty room is gone', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()

  await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"><status>gone where the goblins go</status></presence>`
  await juliet.receives`<presence type="unavailable" from="${ROOM}/juliet"><status>gone where the goblins go</status><x xmlns="${USER}"><item role="none"/><status code="110"/></x></presence>`
  await romeo.receives`<presence type="unavailable" from="${ROOM}/juliet"><status>gone where the goblins go</status><x xmlns="${USER}"><item role="none"/></x></presence>`
  await romeo.leaves()
  await refused(
    juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}"/></iq>`,
    'item-not-found',
    'There is no such room',
  )
})

scenario(
  'XEP-0045 § 7.4: what is said comes to everybody, with its id, the room’s id and the occupant’s',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo')
    await enters(juliet, 'juliet', ['romeo'])
    await romeo.settles()

    await juliet.sends`<message type="groupchat" to="${ROOM}" id="m1"><body>Harpier cries: 'tis time.</body><occupant-id xmlns="urn:xmpp:occupant-id:0" id="made-up"/><stanza-id xmlns="urn:xmpp:sid:0" by="${ROOM}" id="made-up"/></message>`
    for (const actor of [romeo, juliet])
      await actor.receives`<message type="groupchat" from="${ROOM}/juliet" to="${actor}" id="m1"><body>Harpier cries: 'tis time.</body><occupant-id xmlns="urn:xmpp:occupant-id:0"/><stanza-id xmlns="urn:xmpp:sid:0" by="${ROOM}"/></message>`
  },
)

scenario('XEP-0045 § 6.1: where a component has the address, it is the component’s', async ({ server }) => {
  const config = { components: { 'conference.a.test': { secret: 'fair is foul' } } }
  const [romeo] = await (await server('a.test', { config })).connect('romeo/orchard')

  const items = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${DISCO_ITEMS}"/></iq>`
  expect(items.elements().map(({ attrs }) => attrs['jid'])).not.toContain('conference.a.test')
  await refused(
    romeo.asks`<iq type="get" to="conference.a.test"><query xmlns="${DISCO_INFO}"/></iq>`,
    'remote-server-not-found',
  )
})
