import { expect } from '@jest/globals'
import { refused, scenario } from '@parley/testkit'
import { ADMIN, configures, enters, isRefused, MUC, makes, ROOM, USER } from './room.ts'

const VERSION = '<query xmlns="jabber:iq:version"/>'

scenario('XEP-0045 § 7.4: who is not here, and who has no voice, is not heard', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo', { moderatedroom: '1' })
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()

  await nurse.sends`<message type="groupchat" to="${ROOM}"><body>Madam!</body></message>`
  await isRefused(nurse, 'message', 'not-acceptable', 'You are not in this room')
  await juliet.sends`<message type="groupchat" to="${ROOM}"><body>I</body></message>`
  await isRefused(juliet, 'message', 'forbidden', 'You have no voice in this room')
  await juliet.sends`<message type="groupchat" to="${ROOM}"><subject>Stars</subject></message>`
  await isRefused(juliet, 'message', 'forbidden', 'You may not change the subject')
  await romeo.receivesNothing()
})

scenario('XEP-0045 § 7.4: a message of another type is not for the room', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  await romeo.sends`<message type="chat" to="${ROOM}"><body>To all</body></message>`
  await isRefused(romeo, 'message', 'bad-request', 'A room takes messages of type groupchat')
})

scenario('XEP-0045 § 7.5: private messages show who sends them, and no addresses', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()

  await juliet.sends`<message type="chat" to="${ROOM}/romeo" id="p1"><body>Psst</body></message>`
  await romeo.receives`<message type="chat" from="${ROOM}/juliet" to="${romeo}" id="p1"><body>Psst</body><x xmlns="${USER}"/></message>`
  await juliet.sends`<message type="groupchat" to="${ROOM}/romeo"><body>Psst</body></message>`
  await isRefused(juliet, 'message', 'bad-request', 'A private message is not of type groupchat')
  await juliet.sends`<message type="chat" to="${ROOM}/nobody"><body>Psst</body></message>`
  await isRefused(juliet, 'message', 'item-not-found', 'Nobody here has that nick')
  await configures(romeo, { allowpm: 'none' })
  await juliet.settles()
  await romeo.settles()
  await juliet.sends`<message type="chat" to="${ROOM}/romeo"><body>Psst</body></message>`
  await isRefused(juliet, 'message', 'forbidden', 'Private messages are not for you')
})

scenario('XEP-0045 § 7.6: another nick', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'thirdwitch', ['romeo'])
  await romeo.settles()

  await juliet.sends`<presence to="${ROOM}/oldhag"/>`
  for (const actor of [romeo, juliet]) {
    await actor.receives`<presence type="unavailable" from="${ROOM}/thirdwitch" to="${actor}"><x xmlns="${USER}"><item nick="oldhag"/><status code="303"/></x></presence>`
    await actor.receives`<presence from="${ROOM}/oldhag" to="${actor}"><x xmlns="${USER}"><item role="participant"/></x></presence>`
  }
  await juliet.sends`<presence to="${ROOM}/romeo"/>`
  await isRefused(juliet, 'presence', 'conflict', 'The nick is taken')
})

scenario('XEP-0045 § 7.2.2: a client gets its own presence back under its id', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.connect('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await makes(romeo, 'romeo')
  // "For tracking purposes, the room might also reflect the original 'id' value if provided in the presence stanza sent
  // by the user."
  await juliet.sends`<presence id="in" to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await juliet.receives`<presence from="${ROOM}/romeo"/>`
  await juliet.receives`<presence id="in" from="${ROOM}/juliet"/>`
  expect((await romeo.client.next('her entry')).attrs).not.toHaveProperty('id')
  await phone.sends`<presence id="too" to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await phone.receives`<presence from="${ROOM}/romeo"/>`
  await phone.receives`<presence from="${ROOM}/juliet"/>`
  await phone.receives`<presence id="too" from="${ROOM}/juliet"><x xmlns="${USER}"><status code="110"/></x></presence>`
  await juliet.settles()
  await juliet.sends`<presence id="away" to="${ROOM}/juliet"><show>away</show></presence>`
  await juliet.receives`<presence id="away" from="${ROOM}/juliet"><show>away</show></presence>`
  await juliet.sends`<presence id="other" to="${ROOM}/oldhag"/>`
  await juliet.receives`<presence type="unavailable" from="${ROOM}/juliet"/>`
  await juliet.receives`<presence id="other" from="${ROOM}/oldhag"/>`
  await phone.settles()
  await juliet.sends`<presence id="out" type="unavailable" to="${ROOM}/oldhag"/>`
  await juliet.receives`<presence id="out" type="unavailable" from="${ROOM}/oldhag"/>`
  expect((await phone.client.next('what she is now')).attrs).not.toHaveProperty('id')
  await phone.sends`<presence id="last" type="unavailable" to="${ROOM}/oldhag"/>`
  await phone.receives`<presence id="last" type="unavailable" from="${ROOM}/oldhag"/>`
  await romeo.settles()
})

scenario('XEP-0045 § 7.7: a change of state is seen by all', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await juliet.sends`<presence to="${ROOM}/juliet"><show>xa</show><x xmlns="${USER}"><item role="moderator" jid="made@up.test"/></x></presence>`
  await romeo.receives`<presence from="${ROOM}/juliet"><show>xa</show><x xmlns="${USER}"><item role="participant" jid="${juliet}"/></x></presence>`
  await juliet.receives`<presence from="${ROOM}/juliet"><show>xa</show><x xmlns="${USER}"><status code="110"/></x></presence>`
})

scenario('XEP-0045 § 7.2.2: several clients of one account share a nick', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.connect('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await phone.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await phone.receives`<presence from="${ROOM}/romeo"/>`
  for (const actor of [romeo, juliet, phone]) await actor.settles()
  await romeo.sends`<message type="groupchat" to="${ROOM}"><body>Both</body></message>`
  for (const actor of [romeo, juliet, phone])
    await actor.receives`<message type="groupchat"><body>Both</body></message>`

  await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
  await juliet.receives`<presence type="unavailable" from="${ROOM}/juliet"><x xmlns="${USER}"><status code="110"/></x></presence>`
  // She is still here.
  for (const actor of [romeo, phone]) await actor.receives`<presence from="${ROOM}/juliet"/>`
})

scenario('XEP-0045 § 7.14: who loses the connection leaves', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await juliet.losesConnection()
  await romeo.receives`<presence type="unavailable" from="${ROOM}/juliet"><x xmlns="${USER}"><item role="none"/></x></presence>`
})

scenario('XEP-0045 § 18.1: who cannot be reached is not here', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await juliet.sends`<message type="error" to="${ROOM}"><error type="cancel"><gone xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  await romeo.receives`<presence type="unavailable" from="${ROOM}/juliet"><x xmlns="${USER}"><status code="333"/></x></presence>`
  await juliet.receives`<presence type="unavailable" from="${ROOM}/juliet"><x xmlns="${USER}"><status code="333"/></x></presence>`
})

scenario('XEP-0045 § 7.8.2: an invitation passes through the room, and so does its refusal', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { membersonly: '1', roomsecret: 'burn' })
  await juliet.sends`<presence/>`
  await juliet.settles()
  await romeo.sends`<message to="${ROOM}"><x xmlns="${USER}"><invite to="${juliet.bare}"><reason>Come</reason><continue thread="t"/></invite></x></message>`
  await juliet.receives`<message from="${ROOM}"><x xmlns="${USER}"><invite from="${ROOM}/romeo"><reason>Come</reason><continue thread="t"/></invite><password>burn</password></x></message>`
  const list =
    await romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member"/></query></iq>`
  expect(list.elements().map(({ attrs }) => attrs['jid'])).toEqual([juliet.bare.text])

  await juliet.sends`<message to="${ROOM}"><x xmlns="${USER}"><decline to="${ROOM}/romeo"><reason>No</reason></decline></x></message>`
  await romeo.receives`<message from="${ROOM}"><x xmlns="${USER}"><decline from="${juliet.bare}"><reason>No</reason></decline></x></message>`
})

scenario('XEP-0045 § 7.8.2: not everybody may invite to a room for members', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { membersonly: '1' })
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member" jid="${juliet.bare}"/></query></iq>`
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await juliet.sends`<message to="${ROOM}"><x xmlns="${USER}"><invite to="nurse@a.test"/></x></message>`
  await isRefused(juliet, 'message', 'forbidden', 'You may not invite')
})

scenario('XEP-0045 § 7.13, § 8.6: voice is asked for and given', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { moderatedroom: '1' })
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  const form = (fields: string) =>
    `<message to="${ROOM}"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>${MUC}#request</value></field>${fields}</x></message>`
  const asks = form('<field var="muc#role"><value>participant</value></field>')
  const gives = form(
    '<field var="muc#roomnick"><value>juliet</value></field><field var="muc#request_allow"><value>true</value></field>',
  )

  await juliet.sendsRaw(gives)
  await isRefused(juliet, 'message', 'forbidden', 'Only moderators give voice')
  await juliet.sendsRaw(asks)
  await romeo.receives`<message from="${ROOM}"><x xmlns="jabber:x:data" type="form"><field var="muc#roomnick"><value>juliet</value></field><field var="muc#jid"><value>${juliet}</value></field></x></message>`
  await romeo.sendsRaw(gives)
  for (const actor of [romeo, juliet])
    await actor.receives`<presence from="${ROOM}/juliet"><x xmlns="${USER}"><item role="participant"/></x></presence>`
  await juliet.sendsRaw(asks)
  await isRefused(juliet, 'message', 'not-allowed', 'You have voice')
})

scenario('XEP-0045 § 6.6: what an occupant can do is not told to those who are not here', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  // "If a non-occupant attempts to send a disco request to an address of the form <room@service/nick>, a MUC service
  // MUST return a <bad-request/> error."
  for (const what of ['info', 'items']) {
    await refused(
      juliet.asks`<iq type="get" to="${ROOM}/romeo"><query xmlns="http://jabber.org/protocol/disco#${what}"/></iq>`,
      'bad-request',
      'Only occupants may ask what an occupant can do',
    )
  }
  await romeo.receivesNothing()
})

scenario('XEP-0045 § 17.4: requests between occupants show no addresses', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()

  await juliet.sendsRaw(`<iq type="get" id="v1" to="${ROOM}/romeo">${VERSION}</iq>`)
  const request = await romeo.client.next('the request')
  expect(request.attrs).toMatchObject({ from: `${ROOM}/juliet`, to: romeo.jid.text, type: 'get' })
  await romeo.sendsRaw(
    `<iq type="result" id="${request.attrs['id']}" to="${ROOM}/juliet"><query xmlns="jabber:iq:version"><name>Lute</name></query></iq>`,
  )
  await juliet.receives`<iq type="result" id="v1" from="${ROOM}/romeo" to="${juliet}"><query xmlns="jabber:iq:version"><name>Lute</name></query></iq>`
  await refused(
    juliet.asks`<iq type="get" to="${ROOM}/nobody"><query xmlns="jabber:iq:version"/></iq>`,
    'item-not-found',
    'Nobody of that nick is here',
  )
})

scenario('XEP-0045 § 17.4: an occupant who does not answer is not asked for ever', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  for (let n = 0; n < 100; n++) await juliet.sendsRaw(`<iq type="get" id="v${n}" to="${ROOM}/romeo">${VERSION}</iq>`)
  await refused(
    juliet.asks`<iq type="get" to="${ROOM}/romeo"><query xmlns="jabber:iq:version"/></iq>`,
    'resource-constraint',
    'Too many requests are under way',
  )
  await romeo.settles()
})

scenario('XEP-0045 § 7.8.2: a room that is invited into itself goes on', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { membersonly: '1' })
  for (const to of [ROOM, `${ROOM}/romeo`])
    await romeo.sends`<message to="${ROOM}"><x xmlns="${USER}"><invite to="${to}"/><invite to="juliet@a.test"/></x></message>`
  await romeo.settles()
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
})
