import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { archive, isKept, passesInRoom } from './conversation.ts'

const RECEIPTS = 'urn:xmpp:receipts'
const received = `<received xmlns="${RECEIPTS}" id="line"/>`

scenario('XEP-0184 § 7: a receipt waits for who is away, is copied, and is in archives', async ({ server }) => {
  await isKept(await server('a.test'), received)
})

scenario('XEP-0184 § 7: a receipt of type normal is one, too', async ({ server }) => {
  await isKept(await server('a.test'), received, 'normal')
})

scenario('XEP-0184 § 7: what wants a receipt is kept with its wish', async ({ server }) => {
  await isKept(await server('a.test'), `<body>soft</body><request xmlns="${RECEIPTS}"/>`)
})

scenario('XEP-0184 § 5.3: a wish in a room goes to everybody; without a line it is not kept', async ({ server }) => {
  await passesInRoom(await server('a.test'), `<request xmlns="${RECEIPTS}"/>`)
})

scenario('XEP-0184 § 8: a receipt for somebody who blocks the sender goes nowhere', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await juliet.asks`<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="${romeo.bare}"/></block></iq>`
  await juliet.settles()
  await romeo.sendsRaw(`<message type="chat" to="${juliet.bare}" id="m">${received}</message>`)
  await romeo.receives`<message type="error" id="m"><error><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  await juliet.receivesNothing()
  expect(await archive(juliet)).toEqual([])
})
