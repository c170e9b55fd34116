import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { read } from './archive-reader.ts'

const ENABLE = '<enable xmlns="urn:xmpp:carbons:2"/>'

async function enable(...actors: readonly Actor[]): Promise<void> {
  for (const actor of actors) await actor.asksRaw(`<iq type="set">${ENABLE}</iq>`)
  for (const actor of actors) await actor.settles()
}

scenario('XEP-0280 § 7: the other clients of the recipient get a copy', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone, mute] = await stage.join(
    'romeo/orchard',
    'juliet/balcony',
    'juliet/phone',
    'juliet/mute',
  )
  await enable(juliet, phone)

  await romeo.sends`<message type="chat" to="${juliet}" id="m"><body>Soft!</body></message>`
  await juliet.receives`<message type="chat" from="${romeo}" to="${juliet}" id="m"><body>Soft!</body></message>`
  await phone.receives`<message type="chat" from="juliet@a.test" to="${phone}"><received xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" type="chat" from="${romeo}" to="${juliet}" id="m"><body>Soft!</body></message></forwarded></received></message>`
  await mute.receivesNothing()
  await juliet.receivesNothing()
  await phone.receivesNothing()
})

scenario('XEP-0280 § 8: the other clients of the sender get a copy, the sender none', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone, juliet] = await stage.join('romeo/orchard', 'romeo/phone', 'juliet/balcony')
  await enable(romeo, phone)

  await romeo.sends`<message type="chat" to="${juliet}" id="m"><body>Soft!</body></message>`
  await phone.receives`<message type="chat" from="romeo@a.test" to="${phone}"><sent xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" type="chat" from="${romeo}" to="${juliet}" id="m"><body>Soft!</body></message></forwarded></sent></message>`
  await juliet.receives`<message id="m"/>`
  for (const actor of [romeo, phone, juliet]) await actor.receivesNothing()
})

scenario('XEP-0280 § 7: who gets the message itself gets no copy', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.join('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await enable(juliet, phone)
  await phone.sends`<presence><priority>-1</priority></presence>`
  for (const actor of [juliet, phone]) await actor.settles()

  await romeo.sends`<message type="chat" to="juliet@a.test"><body>Soft!</body></message>`
  await juliet.receives`<message from="${romeo}"><body>Soft!</body></message>`
  // Negative priority: not for the message, but for the copy.
  await phone.receives`<message from="juliet@a.test"><received xmlns="urn:xmpp:carbons:2"/></message>`
  await juliet.receivesNothing()
  await phone.receivesNothing()
})

scenario('XEP-0280 § 4, § 5: on and off, as often as one likes', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.join('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await enable(phone, phone)
  await phone.asks`<iq type="set"><disable xmlns="urn:xmpp:carbons:2"/></iq>`
  await phone.asks`<iq type="set"><disable xmlns="urn:xmpp:carbons:2"/></iq>`

  await romeo.sends`<message type="chat" to="${juliet}"><body>one</body></message>`
  await juliet.receives`<message><body>one</body></message>`
  await phone.receivesNothing()
  await enable(phone)
  await romeo.sends`<message type="chat" to="${juliet}"><body>two</body></message>`
  await juliet.receives`<message><body>two</body></message>`
  await phone.receives`<message><received xmlns="urn:xmpp:carbons:2"/></message>`
})

scenario('XEP-0280 § 4.1, § 5.1: nobody turns on the copies of somebody else', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const text = 'Carbons are for the clients of the account'
  await refused(
    romeo.asks`<iq type="set" to="${juliet.bare}"><enable xmlns="urn:xmpp:carbons:2"/></iq>`,
    'not-allowed',
    text,
  )
  await refused(
    romeo.asks`<iq type="set" to="${juliet.bare}"><disable xmlns="urn:xmpp:carbons:2"/></iq>`,
    'not-allowed',
    text,
  )
})

scenario('XEP-0280 § 6.1: what belongs to conversations is copied', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.join('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await enable(phone)
  const copied: readonly (readonly [type: string, payload: string])[] = [
    ['chat', '<body>x</body>'],
    ['chat', '<subject>x</subject>'],
    ['chat', '<composing xmlns="http://jabber.org/protocol/chatstates"/>'],
    ['normal', '<body>x</body>'],
    ['normal', '<received xmlns="urn:xmpp:receipts" id="1"/>'],
    ['normal', '<displayed xmlns="urn:xmpp:chat-markers:0" id="1"/>'],
    ['normal', '<active xmlns="http://jabber.org/protocol/chatstates"/>'],
    ['normal', '<x xmlns="jabber:x:conference" jid="room@a.test"/>'],
    ['normal', '<x xmlns="http://jabber.org/protocol/muc#user"><invite from="x@a.test"/></x>'],
  ]
  const own: readonly (readonly [type: string, payload: string])[] = [
    ['normal', '<subject>x</subject>'],
    ['groupchat', '<body>x</body>'],
    ['headline', '<body>x</body>'],
    ['error', '<body>x</body>'],
    ['chat', '<body>x</body><private xmlns="urn:xmpp:carbons:2"/>'],
    ['chat', '<body>x</body><no-copy xmlns="urn:xmpp:hints"/>'],
    ['chat', '<body>x</body><x xmlns="http://jabber.org/protocol/muc#user"/>'],
  ]
  for (const [index, [type, payload]] of [...copied, ...own].entries()) {
    await romeo.sendsRaw(`<message type="${type}" to="${juliet}" id="m${index}">${payload}</message>`)
    await juliet.receives`<message id="m${index}"/>`
  }
  await phone.fence()
  const ids = phone.client.inbox.splice(0).map(message => {
    const copy = message.child('received', 'urn:xmpp:carbons:2')?.child('forwarded', 'urn:xmpp:forward:0')
    return copy?.child('message', 'jabber:client')?.attrs['id']
  })
  expect(ids).toEqual(copied.map((_, index) => `m${index}`))
})

scenario('XEP-0280 § 6.1: a private message to an occupant is copied to the own clients', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone, room] = await stage.join('romeo/orchard', 'romeo/phone', 'room/nick')
  await enable(phone)
  await romeo.sends`<message type="chat" to="${room}"><body>x</body><x xmlns="http://jabber.org/protocol/muc#user"/></message>`
  await room.receives`<message><body>x</body></message>`
  await phone.receives`<message><sent xmlns="urn:xmpp:carbons:2"/></message>`
})

scenario('XEP-0280 § 6.1: an error is copied when what it answers was', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone, juliet] = await stage.join('romeo/orchard', 'romeo/phone', 'juliet/balcony')
  await enable(phone)

  // From the server, and from the other client.
  await romeo.sends`<message type="chat" to="ghost@a.test" id="lost"><body>x</body></message>`
  await romeo.receives`<message type="error" id="lost"/>`
  await phone.receives`<message type="chat"><sent xmlns="urn:xmpp:carbons:2"/></message>`
  await phone.receives`<message type="error" from="romeo@a.test"><received xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" type="error" id="lost"/></forwarded></received></message>`

  await romeo.sends`<message type="chat" to="${juliet}" id="odd"><body>x</body></message>`
  await juliet.receives`<message id="odd"/>`
  await juliet.sends`<message type="error" to="${romeo}" id="odd"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  await juliet.sends`<message type="error" to="${romeo}" id="made-up"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  await romeo.receives`<message type="error" id="odd"/>`
  await romeo.receives`<message type="error" id="made-up"/>`
  await phone.receives`<message type="chat"><sent xmlns="urn:xmpp:carbons:2"/></message>`
  await phone.receives`<message type="error"><received xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" id="odd"/></forwarded></received></message>`
  await phone.receivesNothing()
})

scenario('XEP-0280 § 9: a private message is copied nowhere, and keeps its mark', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, laptop, juliet, phone] = await stage.join(
    'romeo/orchard',
    'romeo/laptop',
    'juliet/balcony',
    'juliet/phone',
  )
  await enable(laptop, phone)

  await romeo.sends`<message type="chat" to="${juliet}"><body>x</body><private xmlns="urn:xmpp:carbons:2"/><no-copy xmlns="urn:xmpp:hints"/></message>`
  await juliet.receives`<message><body>x</body><private xmlns="urn:xmpp:carbons:2"/><no-copy xmlns="urn:xmpp:hints"/></message>`
  for (const actor of [laptop, phone]) await actor.receivesNothing()
})

scenario('XEP-0280 § 11: copies that others made up are taken out', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.join('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await enable(juliet, phone)
  const forged = (direction: string) =>
    `<${direction} xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="nurse@a.test" to="juliet@a.test"><body>Come!</body></message></forwarded></${direction}>`

  for (const direction of ['received', 'sent']) {
    await romeo.sendsRaw(`<message type="chat" to="${juliet}">${forged(direction)}</message>`)
    await romeo.sendsRaw(`<message type="chat" to="${juliet}"><body>x</body>${forged(direction).repeat(2)}</message>`)
    const message = await juliet.client.next('the message')
    expect(message.elements().map(({ name }) => name)).toEqual(['body', 'stanza-id'])
    const copy = String(await phone.client.next('the copy'))
    expect(copy).not.toMatch('nurse')
  }
  for (const actor of [juliet, phone]) await actor.receivesNothing()
})

scenario('XEP-0280 § 7, § 8: copies say where the own archive has the message', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, laptop, juliet, phone] = await stage.join(
    'romeo/orchard',
    'romeo/laptop',
    'juliet/balcony',
    'juliet/phone',
  )
  await enable(laptop, phone)
  await romeo.sends`<message type="chat" to="${juliet}"><body>x</body></message>`
  await juliet.receives`<message><body>x</body></message>`
  await laptop.fence()
  await phone.fence()

  for (const actor of [laptop, phone]) {
    const copy = String(actor.client.inbox.shift())
    const ids = [...copy.matchAll(/<stanza-id xmlns="urn:xmpp:sid:0" by="([^"]+)" id="([^"]+)"/g)]
    const { ids: archived } = await read(actor)
    expect(ids.map(([, by, id]) => [by, id])).toEqual([[actor.bare.text, archived[0]]])
  }
})

scenario('XEP-0280 § 8: what one says to oneself comes once to each client', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone, tablet] = await stage.join('romeo/orchard', 'romeo/phone', 'romeo/tablet')
  await enable(romeo, phone, tablet)

  await romeo.sends`<message type="chat" to="${phone}" id="m"><body>note</body></message>`
  await phone.receives`<message from="${romeo}" id="m"><body>note</body></message>`
  await tablet.receives`<message from="romeo@a.test"><received xmlns="urn:xmpp:carbons:2"/></message>`
  for (const actor of [romeo, phone, tablet]) await actor.receivesNothing()
  expect((await read(romeo)).words).toBe('note')
})
