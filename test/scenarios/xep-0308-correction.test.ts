import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { read } from './archive-reader.ts'
import { isKept, isKeptInRoom } from './conversation.ts'
import { enters, isRefused, makes, ROOM } from './room.ts'

const CORRECT = 'urn:xmpp:message-correct:0'
const correction = `<body>soft</body><replace xmlns="${CORRECT}" id="line"/>`

scenario('XEP-0308 § 3: a correction is kept, copied, and waits for who is away', async ({ server }) => {
  await isKept(await server('a.test'), correction)
})

scenario('XEP-0308 § 3: a correction without a body is one, too', async ({ server }) => {
  await isKept(await server('a.test'), `<replace xmlns="${CORRECT}" id="line"/>`, 'normal')
})

scenario(
  'XEP-0308 § 4: in a room a correction is a line of its own, with its id as it was sent',
  async ({ server }) => {
    await isKeptInRoom(await server('a.test'), correction)
  },
)

scenario(
  'XEP-0308 § 5: a correction changes nothing in an archive: whoever reads it judges whose it is',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    await romeo.sends`<message type="chat" to="${juliet}" id="line"><body>sfot</body></message>`
    await juliet.receives`<message id="line"/>`
    await juliet.sends`<message type="chat" to="${romeo}" id="forged"><body>hard</body><replace xmlns="${CORRECT}" id="line"/></message>`
    await romeo.receives`<message id="forged"/>`
    expect((await read(romeo)).words).toBe('sfot hard')
    expect((await read(juliet)).words).toBe('sfot hard')
  },
)

scenario('XEP-0308 § 5: nobody corrects in a room who is not in it', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect(
    'romeo/orchard',
    'juliet/balcony',
    'nurse/kitchen',
  )
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  for (const actor of [romeo, juliet]) await actor.settles()
  await nurse.sendsRaw(`<message type="groupchat" to="${ROOM}" id="m">${correction}</message>`)
  await isRefused(nurse, 'message', 'not-acceptable', 'You are not in this room')
  expect((await read(romeo, { to: ROOM })).words).toBe('')
})
