import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { makes, ROOM } from './room.ts'

const id = (by: string, value = 'forged') => `<stanza-id xmlns="urn:xmpp:sid:0" by="${by}" id="${value}"/>`

scenario('XEP-0359 § 3: every id that claims to be ours is taken out, also inside', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const ours = [id('juliet@a.test'), id('JULIET@A.Test'), id('a.test'), id('romeo@a.test')]
  const nested = `<forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client">${ours.join('')}<body>y</body></message></forwarded>`

  await romeo.sendsRaw(
    `<message type="chat" to="${juliet}">${ours.join('')}<body>x</body>${nested}${ours.join('')}</message>`,
  )
  const message = await juliet.client.next('the message')
  expect(message.elements().map(({ name }) => name)).toEqual(['body', 'forwarded', 'stanza-id'])
  expect(String(message)).not.toMatch('forged')
  expect(message.child('stanza-id', 'urn:xmpp:sid:0')?.attrs['by']).toBe('juliet@a.test')
})

scenario('XEP-0359 § 3: ours are taken out where none is added', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.sendsRaw(`<message type="headline" to="${juliet}"><body>x</body>${id('juliet@a.test')}</message>`)
  const message = await juliet.client.next('the message')
  expect(message.elements().map(({ name }) => name)).toEqual(['body'])
})

scenario('XEP-0359 § 3: ids of others, and what the sender calls the message, stay', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.sendsRaw(
    `<message type="chat" to="${juliet}"><body>x</body>${id('room@b.test', 'theirs')}${id('@')}<origin-id xmlns="urn:xmpp:sid:0" id="mine"/></message>`,
  )
  await juliet.receives`<message><body>x</body><stanza-id xmlns="urn:xmpp:sid:0" by="room@b.test" id="theirs"/><origin-id xmlns="urn:xmpp:sid:0" id="mine"/></message>`
})

scenario('XEP-0359 § 3: a room takes out what claims to be its own, however it is written', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  const ours = [id(ROOM), id('Coven@Conference.A.TEST'), id('coven@conference.a.test.')]
  const theirs = id('other@conference.a.test', 'theirs')
  await romeo.sendsRaw(`<message type="groupchat" to="${ROOM}">${ours.join('')}<body>x</body>${theirs}</message>`)
  const message = await romeo.client.next('the line')
  expect(String(message)).not.toMatch('forged')
  const ids = message.childrenNamed('stanza-id', 'urn:xmpp:sid:0')
  expect(ids.map(({ attrs }) => attrs['by'])).toEqual(['other@conference.a.test', ROOM])
})

scenario('XEP-0359 § 2.1: the same message has the same id for every client', async ({ server }) => {
  const [romeo, juliet, phone] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await romeo.sends`<message type="chat" to="juliet@a.test"><body>x</body></message>`
  const ids = []
  for (const actor of [juliet, phone]) {
    const message = await actor.client.next('the message')
    ids.push(message.child('stanza-id', 'urn:xmpp:sid:0')?.attrs['id'])
  }
  expect(ids[0]).toMatch(/^[0-9a-v]{13}$/)
  expect(ids[1]).toBe(ids[0])
})
