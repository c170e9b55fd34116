import { expect } from '@jest/globals'
import { p, scenario } from '@parley/testkit'
import { archive, isKept, isKeptInRoom } from './conversation.ts'

const CALL = 'urn:xmpp:jingle-message:0'
const INVITES = 'urn:xmpp:call-invites:0'
const STORE = '<store xmlns="urn:xmpp:hints"/>'
const propose = `<propose xmlns="${CALL}" id="call"><description xmlns="urn:xmpp:jingle:apps:rtp:1" media="audio"/></propose>`

scenario('XEP-0353 § 3.1: a call reaches who is away, all clients, and the archives', async ({ server }) => {
  await isKept(await server('a.test'), `${propose}${STORE}`)
})

scenario('XEP-0353 § 3.1: a call of an older client, without a hint, does the same', async ({ server }) => {
  await isKept(await server('a.test'), propose)
})

scenario('XEP-0353 § 3.4: one client takes the call, and all others stop ringing', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, tablet] = await stage.join('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  for (const actor of [juliet, tablet]) await actor.asks`<iq type="set"><enable xmlns="urn:xmpp:carbons:2"/></iq>`
  await romeo.sendsRaw(`<message type="chat" to="juliet@a.test" id="1">${propose}${STORE}</message>`)
  for (const actor of [juliet, tablet])
    await actor.receives`<message id="1"><propose xmlns="${CALL}" id="call"/></message>`
  for (const [id, name] of [
    ['2', 'ringing'],
    ['3', 'proceed'],
    ['4', 'finish'],
  ] as const) {
    await juliet.sendsRaw(
      `<message type="chat" to="${romeo}" id="${id}"><${name} xmlns="${CALL}" id="call"/>${STORE}</message>`,
    )
    await romeo.receivesUnordered(p`<message id="${id}"/>`)
    await tablet.receives`<message><sent xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" id="${id}"/></forwarded></sent></message>`
  }
  expect(await archive(juliet)).toEqual(['1', '2', '3', '4'])
  expect(await archive(romeo)).toEqual(['1', '2', '3', '4'])
})

scenario('XEP-0353 § 6: a call does not wake a quiet client for somebody who is blocked', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await juliet.asks`<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="${romeo.bare}"/></block></iq>`
  await juliet.sends`<inactive xmlns="urn:xmpp:csi:0"/>`
  await juliet.settles()
  await romeo.sendsRaw(`<message type="chat" to="juliet@a.test" id="1">${propose}${STORE}</message>`)
  await romeo.receives`<message type="error" id="1"><error><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  await juliet.receivesNothing()
  expect(await archive(juliet)).toEqual([])
})

scenario('XEP-0482 § 2.1: an invitation to a call is kept and waits, as calls do', async ({ server }) => {
  await isKept(await server('a.test'), `<invite xmlns="${INVITES}" video="true"><jingle sid="call"/></invite>`)
})

scenario('XEP-0482 § 2.1: a room keeps invitations to calls for who comes later', async ({ server }) => {
  await isKeptInRoom(
    await server('a.test'),
    `<invite xmlns="${INVITES}" id="call"><external uri="https://a.test/x"/></invite>`,
  )
})
