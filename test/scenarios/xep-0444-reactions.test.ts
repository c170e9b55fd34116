import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { archive, isKept, isKeptInRoom, passes } from './conversation.ts'
import { isRefused, makes, ROOM } from './room.ts'

const REACTIONS = 'urn:xmpp:reactions:0'
const reactions = `<reactions xmlns="${REACTIONS}" id="line"><reaction>👋</reaction><reaction>🐢</reaction></reactions>`

scenario('XEP-0444 § 3.1: a reaction reaches who is away, all clients, and the archives', async ({ server }) => {
  await isKept(await server('a.test'), `${reactions}<store xmlns="urn:xmpp:hints"/>`)
})

scenario('XEP-0444 § 3.2: that all reactions are taken back is kept, with a hint or without', async ({ server }) => {
  await isKept(await server('a.test'), `<reactions xmlns="${REACTIONS}" id="line"/>`, 'normal')
})

scenario('XEP-0444 § 3.1: reactions in a room are lines of it', async ({ server }) => {
  await isKeptInRoom(await server('a.test'), reactions)
})

scenario('XEP-0444 § 4: a reaction to what was not to be kept is not kept', async ({ server }) => {
  await passes(await server('a.test'), `${reactions}<no-store xmlns="urn:xmpp:hints"/>`)
})

scenario('XEP-0444 § 4: nobody reacts in a room who is not in it', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await juliet.sendsRaw(`<message type="groupchat" to="${ROOM}" id="m">${reactions}</message>`)
  await isRefused(juliet, 'message', 'not-acceptable', 'You are not in this room')
  await romeo.receivesNothing()
  expect(await archive(romeo, ROOM)).toEqual([])
})
