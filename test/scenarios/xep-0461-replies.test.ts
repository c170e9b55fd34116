import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { archive, isKept, isKeptInRoom } from './conversation.ts'
import { enters, makes, ROOM } from './room.ts'

const REPLY = 'urn:xmpp:reply:0'
const FALLBACK = 'urn:xmpp:fallback:0'
const quoted = `<body>&gt; soft\n\nlight</body><reply xmlns="${REPLY}" to="juliet@a.test" id="line"/><fallback xmlns="${FALLBACK}" for="${REPLY}"><body start="0" end="8"/></fallback>`

scenario('XEP-0461 § 3: a reply is kept with what it answers', async ({ server }) => {
  await isKept(await server('a.test'), quoted)
})

scenario('XEP-0461 § 3: a reply without a body, such as a sticker, is kept, too', async ({ server }) => {
  await isKept(await server('a.test'), `<reply xmlns="${REPLY}" to="juliet@a.test" id="line"/>`, 'normal')
})

scenario(
  'XEP-0461 § 4.1: a reply in a room names the line by the room’s id, which nobody can forge',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo')
    await enters(juliet, 'juliet', ['romeo'])
    for (const actor of [romeo, juliet]) await actor.settles()
    await romeo.sends`<message type="groupchat" to="${ROOM}" id="1"><body>soft</body><stanza-id xmlns="urn:xmpp:sid:0" by="${ROOM}" id="forged"/></message>`
    const line = await juliet.client.next('the line')
    const given = line.childrenNamed('stanza-id', 'urn:xmpp:sid:0').map(({ attrs }) => attrs['id']!)
    expect(given).toHaveLength(1)
    expect(given).not.toContain('forged')
    await juliet.sends`<message type="groupchat" to="${ROOM}" id="2"><body>light</body><reply xmlns="${REPLY}" to="${ROOM}/romeo" id="${given[0]!}"/></message>`
    await romeo.settles()
    expect(await archive(romeo, ROOM)).toEqual(['1', '2'])
    await juliet.settles()
  },
)

scenario('XEP-0428 § 2.2: words for those who know no better are kept with what they stand for', async ({ server }) => {
  await isKeptInRoom(await server('a.test'), quoted)
})

scenario('XEP-0428 § 4: a body that stands for something unknown is kept as it is', async ({ server }) => {
  await isKept(
    await server('a.test'),
    `<body>/me waves</body><fallback xmlns="${FALLBACK}" for="urn:example:wave"><body/></fallback><wave xmlns="urn:example:wave"/>`,
  )
})
