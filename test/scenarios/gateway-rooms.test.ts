import { expect } from '@jest/globals'
import type { Actor, Stage } from '@parley/testkit'
import { any, refused, scenario } from '@parley/testkit'
import { fails, networks, puppets } from './gateway-puppet.ts'

const MUC = 'http://jabber.org/protocol/muc'
const USER = `${MUC}#user`
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const room = {
  id: '#verona',
  nick: 'romeo',
  topic: 'Peace',
  topicBy: 'prince',
  members: [
    { nick: 'prince', role: 'moderator', id: 'prince' },
    { nick: 'romeo', role: 'participant' },
  ],
} as const

async function inVerona(stage: Stage) {
  const staged = await puppets(stage, { rooms: 'on' })
  const [romeo] = await staged.server.join('romeo/orchard')
  const key = await staged.registers(romeo)
  await enters(romeo)
  await romeo.fence()
  await staged.engine.happens(key, { type: 'room', room })
  await romeo.settles()
  staged.engine.done.length = 0
  return { ...staged, romeo, key }
}

function enters(actor: Actor, nick = 'romeo') {
  return actor.sends`<presence to="#verona@puppets.a.test/${nick}"><x xmlns="${MUC}"/></presence>`
}

scenario('XEP-0045 § 7.2: who enters a room of a network sees who is there, oneself, and the subject', async stage => {
  const { server, engine, registers } = await puppets(stage, { rooms: 'on' })
  const [romeo, phone] = await server.join('romeo/orchard', 'romeo/phone')
  const key = await registers(romeo)
  await phone.settles()

  await romeo.sends`<presence to="#verona@puppets.a.test/romeo"><x xmlns="${MUC}"><password>key</password></x></presence>`
  await romeo.receivesNothing()
  expect(engine.took('joinRoom')).toEqual([['joinRoom', '#verona', 'romeo', 'key', {}]])
  await engine.happens(key, { type: 'room', room })
  const sees = async (client: Actor) => {
    await client.receives`<presence from="#verona@puppets.a.test/prince" to="${client}"><x xmlns="${USER}"><item affiliation="none" role="moderator" jid="prince@puppets.a.test"/></x></presence>`
    await client.receives`<presence from="#verona@puppets.a.test/romeo"><x xmlns="${USER}"><item role="participant"/><status code="110"/></x></presence>`
    await client.receives`<message type="groupchat" from="#verona@puppets.a.test/prince"><subject>Peace</subject></message>`
  }
  await sees(romeo)

  // Another client of the same user is in the room at once, under the same name.
  await enters(phone, 'montague')
  await phone.receives`<presence from="#verona@puppets.a.test/prince"/>`
  await phone.receives`<presence from="#verona@puppets.a.test/romeo"><x xmlns="${USER}"><status code="110"/><status code="210"/></x></presence>`
  await phone.receives`<message type="groupchat"><subject>Peace</subject></message>`
  for (const client of [phone, romeo])
    await client.receives`<message from="puppets.a.test"><body>In #verona you are called romeo.</body></message>`
  expect(engine.took('joinRoom')).toEqual([])
})

scenario('XEP-0045 § 7.14: a room is left when nobody here is in it, and when nobody has come to be', async stage => {
  const { server, engine, registers } = await puppets(stage, { rooms: 'on' })
  const [romeo, phone] = await server.join('romeo/orchard', 'romeo/phone')
  const key = await registers(romeo)
  for (const client of [romeo, phone]) await client.settles()
  await enters(romeo)
  await enters(phone)
  await romeo.fence()
  await phone.fence()
  // Both have gone before the network lets them in.
  for (const client of [romeo, phone])
    await client.sends`<presence type="unavailable" to="#verona@puppets.a.test/romeo"/>`
  for (const client of [romeo, phone]) await client.receivesNothing()
  expect(engine.took('joinRoom', 'leaveRoom')).toEqual([['joinRoom', '#verona', 'romeo', undefined, {}]])
  await engine.happens(key, { type: 'room', room })
  for (const client of [romeo, phone]) await client.receivesNothing()
  expect(engine.took('leaveRoom')).toEqual([['leaveRoom', '#verona', {}]])

  // One stays.
  await enters(romeo)
  await enters(phone)
  await romeo.fence()
  await phone.fence()
  await phone.sends`<presence type="unavailable" to="#verona@puppets.a.test/romeo"/>`
  await phone.receivesNothing()
  await engine.happens(key, { type: 'room', room })
  await romeo.receives`<presence from="#verona@puppets.a.test/prince"/>`
  await romeo.settles()
  await phone.receivesNothing()
  expect(engine.took('leaveRoom')).toEqual([])
})

scenario('XEP-0045 § 7.14: rooms that come back with a session are left, unless somebody enters them', async stage => {
  const { romeo, engine, key } = await inVerona(stage)
  engine.set(key, 'waiting', 'The wall')
  await romeo.settles()
  // An adapter goes back to where it was, also before it is online.
  engine.set(key, 'connecting')
  await engine.happens(key, { type: 'room', room })
  expect(engine.took('leaveRoom')).toEqual([])
  engine.set(key, 'online')
  expect(await engine.takes('leaveRoom')).toEqual([['leaveRoom', '#verona', {}]])
  const line = {
    type: 'message',
    peer: '#mantua',
    nick: 'tybalt',
    id: 'n1',
    origin: 'remote',
    text: 'What, drawn?',
  } as const
  await engine.happens(key, line, { ...line, id: 'n2' }, { type: 'room', room: { ...room, id: '#mantua' } })
  const left = await engine.takes('leaveRoom')
  await romeo.settles()
  expect(left[0]).toEqual(['leaveRoom', '#mantua', {}])
  const all = [...left, ...engine.took('leaveRoom')]
  expect(new Set(all.map(([, id]) => id))).toEqual(new Set(['#mantua']))

  await enters(romeo)
  await romeo.fence()
  await engine.happens(key, { type: 'room', room })
  await romeo.settles()
  expect(engine.took('leaveRoom')).toEqual([])
})

scenario('XEP-0045 § 7.4: lines go both ways, and who has said one sees it too, once', async stage => {
  const { romeo, engine, key } = await inVerona(stage)
  await romeo.sends`<message type="groupchat" id="m1" to="#verona@puppets.a.test"><body>Peace?</body></message>`
  await romeo.receives`<message type="groupchat" id="m1" from="#verona@puppets.a.test/romeo"><body>Peace?</body></message>`
  expect(engine.took('send')).toEqual([['send', { to: { peer: '#verona' }, text: 'Peace?', receipt: false }]])
  const line = { type: 'message', peer: '#verona', text: 'I hate the word' } as const
  await engine.happens(
    key,
    // It comes back from there.
    { ...line, nick: 'romeo', id: 'native-1', origin: 'remote', text: 'Peace?' },
    { ...line, nick: 'romeo', id: 'native-1', origin: 'self-echo', text: 'Peace?' },
    { ...line, nick: 'tybalt', id: 'n2', origin: 'remote' },
    { ...line, nick: 'tybalt', id: 'n2', origin: 'remote' },
  )
  await romeo.receives`<message type="groupchat" id="${any}" from="#verona@puppets.a.test/tybalt" to="${romeo}"><body>I hate the word</body></message>`
  await romeo.receivesNothing()

  await romeo.sends`<message type="groupchat" to="#verona@puppets.a.test"><subject>War</subject></message>`
  await romeo.sends`<message type="chat" to="#verona@puppets.a.test/prince"><body>Help</body></message>`
  await romeo.receivesNothing()
  expect(engine.took('setTopic')).toEqual([['setTopic', '#verona', 'War', {}]])
  expect(engine.took('send')).toMatchObject([['send', { to: { peer: '#verona', nick: 'prince' }, text: 'Help' }]])

  await romeo.sends`<message type="groupchat" id="m2" to="#verona@puppets.a.test/prince"><body>x</body></message>`
  await romeo.receives`<message type="error" id="m2"><error><text xmlns="${STANZAS}">What is for one is not for all</text></error></message>`
  await romeo.sends`<message type="groupchat" id="m3" to="#mantua@puppets.a.test"><body>x</body></message>`
  await romeo.receives`<message type="error" id="m3"><error><text xmlns="${STANZAS}">You are not in that room there</text></error></message>`
})

scenario('XEP-0045 § 7.6: people in a room come, go and are called otherwise', async stage => {
  const { romeo, engine, key } = await inVerona(stage)
  await engine.happens(key, { type: 'room-member', id: '#verona', member: { nick: 'tybalt', role: 'participant' } })
  await romeo.receives`<presence from="#verona@puppets.a.test/tybalt"><x xmlns="${USER}"><item role="participant"/></x></presence>`
  const cat = {
    type: 'room-member',
    id: '#verona',
    before: 'tybalt',
    member: { nick: 'cat', role: 'participant' },
  } as const
  await engine.happens(key, cat)
  await romeo.receives`<presence type="unavailable" from="#verona@puppets.a.test/tybalt"><x xmlns="${USER}"><item nick="cat"/><status code="303"/></x></presence>`
  await romeo.receives`<presence from="#verona@puppets.a.test/cat"/>`
  await engine.happens(key, { type: 'room-member-gone', id: '#verona', nick: 'cat', reason: 'Dead' })
  await romeo.receives`<presence type="unavailable" from="#verona@puppets.a.test/cat"><x xmlns="${USER}"><item role="none"><reason>Dead</reason></item></x></presence>`

  await romeo.sends`<presence to="#verona@puppets.a.test/montague"/>`
  await romeo.receivesNothing()
  expect(engine.took('setNick')).toEqual([['setNick', '#verona', 'montague', {}]])
  const own = {
    type: 'room-member',
    id: '#verona',
    before: 'romeo',
    member: { nick: 'montague', role: 'participant' },
  } as const
  await engine.happens(key, own)
  await romeo.receives`<presence type="unavailable" from="#verona@puppets.a.test/romeo"><x xmlns="${USER}"><status code="303"/><status code="110"/></x></presence>`
  await romeo.receives`<presence from="#verona@puppets.a.test/montague"><x xmlns="${USER}"><status code="110"/></x></presence>`
  await engine.happens(key, {
    type: 'room',
    room: { ...room, nick: 'montague', topic: 'War', members: [room.members[0]] },
  })
  await romeo.receives`<message type="groupchat"><subject>War</subject></message>`
})

scenario('XEP-0045 § 8.2: who may throws somebody out of a room there', async stage => {
  const { romeo, engine } = await inVerona(stage)
  const admin = (item: string) =>
    romeo.asksRaw(`<iq type="set" to="#verona@puppets.a.test"><query xmlns="${MUC}#admin">${item}</query></iq>`)
  const done = await admin('<item nick="prince" role="none"><reason>Out</reason></item>')
  expect(done.attrs['type']).toBe('result')
  expect(engine.took('kick')).toEqual([['kick', '#verona', 'prince', 'Out', {}]])
  expect(String(await admin('<item jid="prince@puppets.a.test" affiliation="outcast"/>'))).toContain(
    'Only throwing out works there',
  )
  engine.answers = name => (name === 'kick' ? fails('denied', 'You are no operator') : undefined)
  expect(String(await admin('<item nick="prince" role="none"/>'))).toContain('You are no operator')
})

scenario('XEP-0410 § 3: a client finds out whether it is in a room there', async stage => {
  const { romeo } = await inVerona(stage)
  const pings = (who: string) => romeo.asks`<iq type="get" to="${who}"><ping xmlns="urn:xmpp:ping"/></iq>`
  await pings('#verona@puppets.a.test/romeo')
  await refused(pings('#verona@puppets.a.test/prince'), 'service-unavailable', 'They are not asked there')
  await refused(pings('#mantua@puppets.a.test/romeo'), 'not-acceptable', 'You are not there')
})

scenario('XEP-0045 § 7.14: the last client that leaves takes the user out of the room', async stage => {
  const { romeo, engine, key, server } = await inVerona(stage)
  const [phone] = await server.join('romeo/phone')
  await enters(phone)
  await phone.settles()
  await romeo.settles()
  await phone.leaves()
  await romeo.settles()
  expect(engine.took('leaveRoom')).toEqual([])
  await romeo.sends`<presence type="unavailable" to="#verona@puppets.a.test/romeo"/>`
  await romeo.receives`<presence type="unavailable" from="#verona@puppets.a.test/romeo"><x xmlns="${USER}"><item role="none"/><status code="110"/></x></presence>`
  await romeo.fence()
  expect(engine.took('leaveRoom')).toEqual([['leaveRoom', '#verona', {}]])
  await engine.happens(key, { type: 'message', peer: '#verona', nick: 'prince', origin: 'remote', text: 'Gone?' })
  await romeo.receivesNothing()
})

scenario('XEP-0045 § 8.2: who is thrown out there is told why; when the session ends, rooms do', async stage => {
  const { romeo, engine, key } = await inVerona(stage)
  await engine.happens(key, { type: 'room-left', id: '#verona', reason: 'Banished', banned: true })
  await romeo.receives`<presence type="unavailable" from="#verona@puppets.a.test/romeo"><x xmlns="${USER}"><item role="none"><reason>Banished</reason></item><status code="110"/><status code="301"/></x></presence>`
  await enters(romeo)
  await romeo.fence()
  await engine.happens(key, { type: 'room', room })
  await romeo.settles()
  engine.set(key, 'waiting')
  await romeo.receives`<presence from="puppets.a.test"><show>xa</show></presence>`
  await romeo.receives`<presence type="unavailable" from="#verona@puppets.a.test/romeo"><x xmlns="${USER}"><status code="110"/><status code="332"/></x></presence>`
})

scenario('XEP-0045 § 7.2: who may not enter is told why', async stage => {
  const { server, engine, types, registers } = await puppets(stage)
  const [romeo, juliet] = await server.join('romeo/orchard', 'juliet/balcony')
  await registers(romeo)
  await enters(romeo)
  await romeo.receives`<presence type="error" from="#verona@puppets.a.test/romeo"><error><not-allowed xmlns="${STANZAS}"/><text xmlns="${STANZAS}">Rooms of this network are switched off</text></error></presence>`
  await types('provider set', { id: 'puppets', rooms: 'on' })
  await enters(juliet, 'juliet')
  await juliet.receives`<presence type="error"><error><text xmlns="${STANZAS}">Rooms are for those who are registered with this network</text></error></presence>`
  await romeo.sends`<presence to="#verona@puppets.a.test"><x xmlns="${MUC}"/></presence>`
  await romeo.receives`<presence type="error"><error><text xmlns="${STANZAS}">Say by which name you want to enter</text></error></presence>`
  engine.answers = name => (name === 'joinRoom' ? fails('blocked', 'That name is taken') : undefined)
  await enters(romeo)
  await romeo.receives`<presence type="error"><error><text xmlns="${STANZAS}">That name is taken</text></error></presence>`
  // It was not entered: the next try asks again.
  engine.took('joinRoom')
  await enters(romeo)
  await romeo.receives`<presence type="error"/>`
  expect(engine.took('joinRoom')).toHaveLength(1)
})

scenario('XEP-0045 § 6.3: rooms of a network are listed, where they may be used', async stage => {
  const { server, engine, registers } = await puppets(stage, { rooms: 'on' })
  const [romeo] = await server.join('romeo/orchard')
  await registers(romeo)
  engine.answers = name => (name === 'listRooms' ? [{ id: '#verona', name: 'Verona' }] : undefined)
  const ITEMS = 'http://jabber.org/protocol/disco#items'
  const INFO = 'http://jabber.org/protocol/disco#info'
  const items = await romeo.asks`<iq type="get" to="puppets.a.test"><query xmlns="${ITEMS}"/></iq>`
  expect(items.elements().map(({ attrs }) => [attrs['jid'], attrs['name']])).toEqual([
    ['#verona@puppets.a.test', 'Verona'],
  ])
  const info = await romeo.asks`<iq type="get" to="#verona@puppets.a.test"><query xmlns="${INFO}"/></iq>`
  expect(info.child('identity')!.attrs).toMatchObject({ category: 'conference', type: 'text' })
})

scenario('XEP-0054 § 3.2: of whom nothing is known there is no card', async stage => {
  const { server, types, registers } = await networks(stage)
  await types('provider add', { id: 'plain', adapter: 'plain' })
  await types('provider enable', { id: 'plain' })
  const [romeo] = await server.join('romeo/orchard')
  await registers(romeo, 'plain')
  await refused(
    romeo.asks`<iq type="get" to="juliet@plain.a.test"><vCard xmlns="vcard-temp"/></iq>`,
    'item-not-found',
    'Nothing is known of them',
  )
})
