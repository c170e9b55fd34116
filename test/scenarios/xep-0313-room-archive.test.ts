import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'
import { read } from './archive-reader.ts'
import { enters, MUC, makes, ROOM } from './room.ts'

async function says(actor: Actor, body: string): Promise<string> {
  await actor.sends`<message type="groupchat" to="${ROOM}"><body>${body}</body></message>`
  await actor.fence()
  const line = actor.unexpected.find(message => message.textOf('body') === body)
  await actor.settles()
  return line!.child('stanza-id', 'urn:xmpp:sid:0')!.attrs['id']!
}

scenario(
  'XEP-0313 § 4.1.3: who comes back to a room gets everything behind the last line that was seen',
  async stage => {
    const { server } = stage
    const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo')
    await enters(juliet, 'juliet', ['romeo'])
    const seen = await says(romeo, 'one')
    await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
    for (const actor of [romeo, juliet]) await actor.settles()
    await stage.after('1m')
    const since = new Date(stage.clock.now()).toISOString()
    const missed = [await says(romeo, 'two'), await says(romeo, 'three')]

    await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><history since="${since}"/></x></presence>`
    await juliet.fence()
    expect(juliet.unexpected.flatMap(message => message.textOf('body') ?? [])).toEqual(['two', 'three'])
    for (const actor of [romeo, juliet]) await actor.settles()
    const byField = await read(juliet, { to: ROOM, fields: { 'after-id': seen } })
    const byPage = await read(juliet, { to: ROOM, rsm: `<after>${seen}</after>` })
    for (const { words, ids, fin } of [byField, byPage]) {
      expect([words, ids, fin.attrs['complete']]).toEqual(['two three', missed, 'true'])
    }
  },
)
