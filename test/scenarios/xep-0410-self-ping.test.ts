import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { ADMIN, enters, makes, ROOM } from './room.ts'

const pings = (actor: Actor, nick: string) =>
  actor.asks`<iq type="get" to="${ROOM}/${nick}"><ping xmlns="urn:xmpp:ping"/></iq>`

scenario('XEP-0410 § 3.2: who pings the own nick hears whether it is still here', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await pings(romeo, 'romeo')
  await romeo.receivesNothing()
  // "The client is not joined to the MUC": anybody else, and whoever came and went.
  await refused(pings(juliet, 'romeo'), 'not-acceptable', 'You are not in this room')
  await enters(juliet, 'juliet', ['romeo'])
  await pings(juliet, 'juliet')
  await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
  for (const actor of [juliet, romeo]) await actor.settles()
  await refused(pings(juliet, 'juliet'), 'not-acceptable', 'You are not in this room')
})

scenario('XEP-0410 § 3.3: the room answers for the client, and says that it does', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  const info = await romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  expect(String(info)).toContain('http://jabber.org/protocol/muc#self-ping-optimization')
  await pings(romeo, 'romeo')
  await romeo.receivesNothing()
})

scenario('XEP-0410 § 3.2: a room that is not there is not answered for', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await refused(pings(juliet, 'juliet'), 'item-not-found', 'There is no such room')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  // Thrown out: not joined.
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item nick="juliet" role="none"/></query></iq>`
  for (const actor of [juliet, romeo]) await actor.settles()
  await refused(pings(juliet, 'juliet'), 'not-acceptable', 'You are not in this room')
  await refused(pings(romeo, 'juliet'), 'item-not-found', 'Nobody of that nick is here')
})

scenario('XEP-0410 § 3.2: nobody finds out for another client whether it is here', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.connect('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  // The same account, and not in the room.
  await refused(pings(phone, 'juliet'), 'not-acceptable', 'You are not in this room')
  // Another's nick is pinged at the other's client, which answers itself.
  await romeo.sends`<iq type="get" id="p1" to="${ROOM}/juliet"><ping xmlns="urn:xmpp:ping"/></iq>`
  const ping = await juliet.client.next('the ping')
  expect(ping.attrs).toMatchObject({ from: `${ROOM}/romeo`, type: 'get' })
  await juliet.sends`<iq type="result" id="${ping.attrs['id']!}" to="${ROOM}/romeo"/>`
  await romeo.receives`<iq type="result" id="p1" from="${ROOM}/juliet"/>`
})
