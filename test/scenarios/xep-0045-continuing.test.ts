import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'
import { configures, enters, MUC, makes, ROOM, USER } from './room.ts'

const THREAD = 'e0ffe42b'
const DELAY = 'urn:xmpp:delay'
const EARLIER = '2026-01-01T10:00:00Z'

async function brings(actor: Actor, body: string, from: unknown, more = ''): Promise<void> {
  await actor.sendsRaw(
    `<message type="groupchat" to="${ROOM}"><thread>${THREAD}</thread><body>${body}</body><delay xmlns="${DELAY}" from="${from}" stamp="${EARLIER}"/>${more}</message>`,
  )
}

const delays = (actor: Actor) =>
  actor.unexpected
    .filter(message => message.child('body'))
    .map(message => [
      message.textOf('body'),
      ...message.childrenNamed('delay', DELAY).map(({ attrs }) => attrs['from']),
    ])

scenario('XEP-0045 § 7.9: a chat of two goes on in a room with three', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await romeo.sends`<message type="chat" to="${juliet}"><thread>${THREAD}</thread><body>Thrice</body></message>`
  await juliet.receives`<message type="chat" from="${romeo}"><thread>${THREAD}</thread><body>Thrice</body></message>`
  await juliet.sends`<message type="chat" to="${romeo}"><thread>${THREAD}</thread><body>And once</body></message>`
  await romeo.receives`<message type="chat" from="${juliet}"><thread>${THREAD}</thread><body>And once</body></message>`

  await makes(romeo, 'romeo', { whois: 'anyone' })
  await brings(romeo, 'Thrice', romeo)
  await brings(romeo, 'And once', juliet)
  await romeo.settles()
  const invites = [juliet.jid, nurse.bare].map(
    to => `<invite to="${to}"><reason>All three</reason><continue thread="${THREAD}"/></invite>`,
  )
  await romeo.sendsRaw(`<message to="${ROOM}"><x xmlns="${USER}">${invites.join('')}</x></message>`)
  for (const [actor, to] of [
    [juliet, juliet.jid],
    [nurse, nurse.bare],
  ] as const) {
    await actor.receives`<message from="${ROOM}" to="${to}"><x xmlns="${USER}"><invite from="${ROOM}/romeo"><reason>All three</reason><continue thread="${THREAD}"/></invite></x><x xmlns="jabber:x:conference" jid="${ROOM}" reason="All three" continue="true" thread="${THREAD}"/></message>`
  }

  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await juliet.receives`<presence from="${ROOM}/romeo"/>`
  await juliet.receives`<presence from="${ROOM}/juliet"><x xmlns="${USER}"><status code="100"/><status code="110"/></x></presence>`
  await juliet.fence()
  // What was said before keeps its time, and who said it; the room adds none of its own.
  expect(delays(juliet)).toEqual([
    ['Thrice', romeo.jid.text],
    ['And once', juliet.jid.text],
  ])
  for (const actor of [romeo, juliet]) await actor.settles()
  await juliet.sends`<message type="groupchat" to="${ROOM}"><thread>${THREAD}</thread><body>Go on</body></message>`
  for (const actor of [romeo, juliet])
    await actor.receives`<message type="groupchat" from="${ROOM}/juliet"><thread>${THREAD}</thread><body>Go on</body></message>`
})

scenario('XEP-0045 § 7.9: the room shows as much of it as its owner lets it', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await configures(romeo, { 'muc#maxhistoryfetch': '1' })
  for (const body of ['one', 'two']) await brings(romeo, body, romeo)
  await romeo.settles()
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await juliet.fence()
  expect(delays(juliet)).toEqual([['two', romeo.jid.text]])
  for (const actor of [juliet, romeo]) await actor.settles()
})

scenario('XEP-0045 § 7.9: nobody else brings words of others, or of the room', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await brings(juliet, 'one', romeo)
  await brings(juliet, 'two', ROOM)
  await juliet.fence()
  await brings(romeo, 'three', ROOM)
  await romeo.fence()
  expect(delays(romeo)).toEqual([['one', `${ROOM}/juliet`], ['two'], ['three']])
  for (const actor of [romeo, juliet]) await actor.settles()
  await nurse.sends`<presence to="${ROOM}/nurse"><x xmlns="${MUC}"/></presence>`
  await nurse.fence()
  expect(delays(nurse)).toEqual([
    ['one', `${ROOM}/juliet`, ROOM],
    ['two', ROOM],
    ['three', ROOM],
  ])
  for (const actor of [nurse, romeo, juliet]) await actor.settles()
})
