import { expect } from '@jest/globals'
import { firstIdAt } from '@parley/store'
import { refused, type Stage, scenario } from '@parley/testkit'
import { read } from '../../scenarios/archive-reader.ts'

const FIELD = '{urn:xmpp:fulltext:0}fulltext'
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

/** Somebody with an archive of so many old messages. */
async function reader({ server, clock }: Stage, bodies: readonly string[]) {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  const start = firstIdAt(clock.now() - 86_400_000)
  await stage.store.messages.append(
    bodies.map((body, n) => ({
      owner: 'romeo@a.test',
      id: start + BigInt(n),
      peer: 'juliet@a.test',
      type: 'chat',
      stanza: `<message type="chat" from="juliet@a.test/balcony" to="romeo@a.test" id="m${n}"><body>${body}</body></message>`,
      kept: true,
      owed: false,
    })),
  )
  return romeo
}

scenario('threat 101: no text is a wrong query', async stage => {
  const romeo = await reader(stage, ["it's 100% & more", 'plain'].map(escaped))
  const found = async (text: string) =>
    (await read(romeo, { fields: { [FIELD]: escaped(text) } })).messages.map(({ attrs }) => attrs['id'])

  const odd = ["' & ! ( :*", '"', '&&', ":*'", '\\', '%', '_', '!!()|<->', '*', '" " "', "';DROP TABLE message_log;--"]
  for (const text of odd) expect(await found(text)).toEqual([])
  expect(await found("plain' | ' & ! ( :*")).toEqual(['m1'])
  expect(await found('100% "more')).toEqual(['m0'])
  expect(await found('plain %')).toEqual(['m1'])
  // 64 KB, of one word and of many.
  expect(await found('x'.repeat(65_536))).toEqual([])
  expect(await found('plain '.repeat(10_000))).toEqual(['m1'])
  expect(await found(Array.from({ length: 10_000 }, (_, n) => `w${n}`).join(' '))).toEqual([])
})

scenario('threat 101: a search that reads too much ends, with what it found or a refusal', async stage => {
  // Both words are everywhere, and together only in the oldest messages.
  const bodies = Array.from({ length: 17_500 }, (_, n) => (n < 3 ? 'soft light' : n % 2 === 0 ? 'soft' : 'light'))
  const romeo = await reader(stage, bodies)
  const query = { fields: { [FIELD]: 'soft light' } }
  const first = await read(romeo, query)
  expect([first.ids.length, first.fin.attrs['complete']]).toEqual([3, undefined])
  await refused(
    read(romeo, { ...query, rsm: '<before/>' }).then(({ fin }) => fin),
    'resource-constraint',
    'The search reads too much: name rarer words or a time',
  )
  // Others are as fast as ever.
  expect((await read(romeo, { ...query, fields: { [FIELD]: 'nowhere' } })).fin.attrs['complete']).toBe('true')
})

scenario('threat 101: whose index takes long hears so, and gets it later', async ({ server, clock }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  const { words } = stage.store
  const { end } = words
  let goOn = () => {}
  const held = new Promise<void>(resolve => {
    goOn = resolve
  })
  const asked = new Promise<void>(resolve => {
    words.end = async owner => {
      resolve()
      await held
      return end(owner)
    }
  })
  const query = { fields: { [FIELD]: 'soft' } }
  try {
    const early = read(romeo, query).then(({ fin }) => fin)
    await asked
    clock.advance(3000)
    await refused(early, 'resource-constraint', 'The archive is being indexed: try again later')
    goOn()
    expect((await read(romeo, query)).ids).toEqual([])
  } finally {
    words.end = end
  }
})
