import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { archive, isKept, isKeptInRoom } from './conversation.ts'
import { enters, isRefused, makes, ROOM } from './room.ts'

const MARKERS = 'urn:xmpp:chat-markers:0'
const displayed = `<displayed xmlns="${MARKERS}" id="line"/>`

scenario('XEP-0333 § 4.2: who is away learns later what was read, and archives know it', async ({ server }) => {
  await isKept(await server('a.test'), displayed)
})

scenario('XEP-0333 § 4.2: a marker without a type is one, too', async ({ server }) => {
  await isKept(await server('a.test'), `<thread>t</thread>${displayed}`, 'normal')
})

scenario('XEP-0333 § 4.1: what may be marked is kept with its mark', async ({ server }) => {
  await isKept(await server('a.test'), `<body>soft</body><markable xmlns="${MARKERS}"/>`)
})

scenario('XEP-0333 § 4.3: in a room markers are for everybody, and for those who come later', async ({ server }) => {
  await isKeptInRoom(await server('a.test'), displayed)
})

scenario('XEP-0333 § 7: nobody marks in a room who is not in it, or has no voice', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { moderatedroom: '1' })
  await juliet.sendsRaw(`<message type="groupchat" to="${ROOM}" id="m">${displayed}</message>`)
  await isRefused(juliet, 'message', 'not-acceptable', 'You are not in this room')
  await enters(juliet, 'juliet', ['romeo'])
  await juliet.sendsRaw(`<message type="groupchat" to="${ROOM}" id="m">${displayed}</message>`)
  await isRefused(juliet, 'message', 'forbidden', 'You have no voice in this room')
  await romeo.settles()
  expect(await archive(romeo, ROOM)).toEqual([])
})
