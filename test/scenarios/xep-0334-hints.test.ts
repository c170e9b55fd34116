import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { read } from './archive-reader.ts'

const hint = (name: string) => `<${name} xmlns="urn:xmpp:hints"/>`
const TYPING = '<composing xmlns="http://jabber.org/protocol/chatstates"/>'

scenario('XEP-0334 § 4.1: no-permanent-store waits, but is in no archive', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  await romeo.sendsRaw(`<message type="chat" to="juliet@a.test"><body>x</body>${hint('no-permanent-store')}</message>`)
  await romeo.fence()
  const [juliet] = await stage.connect('juliet/balcony')
  await juliet.sends`<presence/>`
  await juliet.receives`<presence/>`
  await juliet.receives`<message><body>x</body><delay xmlns="urn:xmpp:delay"/></message>`
  for (const actor of [romeo, juliet]) expect((await read(actor)).words).toBe('')
})

scenario('XEP-0334 § 4.2: no-store neither waits nor is kept', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await romeo.sendsRaw(
    `<message type="chat" to="${juliet}"><body>x</body>${hint('no-store')}${hint('store')}</message>`,
  )
  await juliet.receives`<message><body>x</body></message>`
  for (const actor of [romeo, juliet]) expect((await read(actor)).words).toBe('')

  await stage.account('nurse')
  await romeo.sendsRaw(`<message type="chat" to="nurse@a.test" id="m"><body>x</body>${hint('no-store')}</message>`)
  await romeo.receives`<message type="error" id="m"><error><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
})

scenario('XEP-0334 § 4.3: no-copy forbids copies of what is for one resource', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.join('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await phone.asks`<iq type="set"><enable xmlns="urn:xmpp:carbons:2"/></iq>`
  await romeo.sendsRaw(`<message type="chat" to="${juliet}"><body>x</body>${hint('no-copy')}</message>`)
  await juliet.receives`<message><body>x</body></message>`
  await phone.receivesNothing()
  // For a bare JID it means nothing.
  await romeo.sendsRaw(`<message type="chat" to="juliet@a.test"><body>y</body>${hint('no-copy')}</message>`)
  for (const actor of [juliet, phone]) await actor.receives`<message><body>y</body></message>`
})

scenario('XEP-0334 § 4.4: store keeps what would not be kept', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await romeo.sendsRaw(`<message type="chat" to="${juliet}" id="kept">${TYPING}${hint('store')}</message>`)
  await romeo.sendsRaw(`<message type="chat" to="${juliet}" id="passing">${TYPING}</message>`)
  await juliet.settles()
  expect((await read(juliet)).messages.map(({ attrs }) => attrs['id'])).toEqual(['kept'])
})

scenario('XEP-0334 § 5: hints in errors mean nothing', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await romeo.sendsRaw(`<message type="error" to="${juliet}">${hint('store')}<body>x</body></message>`)
  await juliet.receives`<message type="error"><body>x</body></message>`
  expect((await read(juliet)).words).toBe('')
})
