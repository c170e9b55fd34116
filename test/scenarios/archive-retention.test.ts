import { expect } from '@jest/globals'
import { type Actor, refused, type StagedServer, scenario } from '@parley/testkit'
import { CommandError, type CommandValues } from '@xmpp/server-core'
import { aligned, read, say } from './archive-reader.ts'

const TRIM = 'urn:xmpp:mamtrim:0'

const words = async (actor: Actor) => (await read(actor)).words
const run = async (stage: StagedServer, values: CommandValues) =>
  (await stage.host.commands.find(({ name }) => name === 'archive retention')!.run(values)).text

/** The work of the hour is begun by the clock: waits until it has had its effect. */
async function comesTo(actor: Actor, expected: string): Promise<void> {
  for (let tries = 0; (await words(actor)) !== expected && tries < 50; tries++) await actor.fence()
  expect(await words(actor)).toBe(expected)
}

scenario('XEP-0313 § 3.2: old messages leave the archive, what is owed stays', async ({ server, after }) => {
  const stage = await server('a.test', { config: { retention: '1d' } })
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await stage.account('nurse')
  await say(romeo, 'juliet@a.test', 'old')
  await say(romeo, 'nurse@a.test', 'waiting')
  await juliet.settles()
  await after('23h')
  await say(romeo, 'juliet@a.test', 'new')
  await juliet.settles()
  await stage.store.messages.flush()
  await after('2h')

  await comesTo(juliet, 'new')
  expect(await stage.store.messages.owedCount('nurse@a.test')).toBe(1)
})

scenario(
  'XEP-0313 § 3.2: each domain and each account may keep messages for its own time',
  async ({ server, after, clock }) => {
    const domains = { 'a.test': { retention: '1d' }, 'b.test': null }
    const here = await server('a.test', { config: { domains } })
    const there = here.at('b.test')
    aligned(clock, here.store)
    const [romeo, juliet, nurse] = await here.join('romeo/orchard', 'juliet/balcony', 'nurse/kitchen')
    const [paris] = await there.join('paris/street')
    expect(await run(here, { jid: 'romeo@a.test' })).toBe(
      'The archive of romeo@a.test keeps messages for 1 days, as the domain says',
    )
    expect(await run(here, { jid: 'romeo', period: 'forever' })).toBe(
      'The archive of romeo@a.test keeps messages forever, as is set for it',
    )
    await run(here, { jid: 'juliet', period: '90m' })
    for (const actor of [romeo, juliet, nurse, paris]) await say(actor, actor.bare.text, 'old')
    for (const actor of [romeo, juliet, nurse, paris]) await actor.settles()
    await here.store.messages.flush()

    await after('3h')
    await comesTo(juliet, '')
    expect(await words(nurse)).toBe('old')
    await after('23h')
    await comesTo(nurse, '')
    for (const actor of [romeo, paris]) expect(await words(actor)).toBe('old')
    await run(here, { jid: 'romeo', period: 'default' })
    await after('1h')
    await comesTo(romeo, '')
    expect(await words(paris)).toBe('old')
  },
)

scenario('archive retention: what cannot be is refused', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const fails = async (values: CommandValues) => {
    const error = await run(stage, values).catch((reason: unknown) => reason)
    return error instanceof CommandError ? error.message : 'not refused'
  }
  for (const period of ['soon', '0d', '-1d'])
    expect(await fails({ jid: 'romeo', period })).toBe('The period must be a time such as 30d, "forever" or "default"')
  expect(await fails({ jid: 'nobody', period: '1d' })).toBe('There is no account nobody@a.test')
})

scenario('MAM trimming § 3.2: an archive is emptied up to a message, or altogether', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const info =
    await romeo.asks`<iq type="get" to="romeo@a.test"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  expect(info.childrenNamed('feature').map(({ attrs }) => attrs['var'])).toContain(TRIM)
  await say(romeo, 'juliet@a.test', 'but soft what light')
  for (const actor of [romeo, juliet]) await actor.settles()
  const { ids } = await read(romeo)

  await romeo.sends`<iq type="set" id="t"><trim xmlns="${TRIM}"><id>${ids[1]!}</id></trim></iq>`
  await romeo.receives`<iq type="result" id="t"/>`
  expect(await words(romeo)).toBe('what light')
  await romeo.asks`<iq type="set"><trim xmlns="${TRIM}"/></iq>`
  await romeo.asks`<iq type="set"><trim xmlns="${TRIM}"/></iq>`
  expect(await words(romeo)).toBe('')
  expect(await words(juliet)).toBe('but soft what light')
})

scenario('MAM trimming § 3.2: what is trimmed is not found any more, what stays is', async ({ server, after }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const lines = Array.from({ length: 40 }, (_, n) => `soft${n}`)
  await say(romeo, 'juliet@a.test', lines.join(' '))
  for (const actor of [romeo, juliet]) await actor.settles()
  await after('2m')
  const found = async (word: string) => (await read(romeo, { fields: { '{urn:xmpp:fulltext:0}fulltext': word } })).words
  // The first search makes the index.
  expect([await found('soft3'), await found('soft20')]).toEqual(['soft3', 'soft20'])
  const { ids } = await read(romeo)
  await romeo.asks`<iq type="set"><trim xmlns="${TRIM}"><id>${ids[9]!}</id></trim></iq>`
  expect([await found('soft3'), await found('soft20'), await found('soft39')]).toEqual(['', 'soft20', 'soft39'])
})

scenario('MAM trimming § 3.2: what waits is still delivered', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', 'soft')
  expect(await words(juliet)).toBe('soft')
  await say(romeo, 'juliet@a.test', 'light')
  await juliet.asks`<iq type="set"><trim xmlns="${TRIM}"/></iq>`
  expect(await words(juliet)).toBe('')
  await juliet.sends`<presence/>`
  await juliet.receives`<presence/>`
  await juliet.receives`<message><body>light</body></message>`
})

scenario('MAM trimming § 4: only its owner trims an archive, and only up to what is there', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', 'soft')
  await juliet.settles()
  const [own = ''] = (await read(romeo)).ids
  await refused(
    romeo.asks`<iq type="set" to="juliet@a.test"><trim xmlns="${TRIM}"/></iq>`,
    'forbidden',
    'The archive is trimmed by its owner',
  )
  for (const id of ['nothing', '', '0000000000000', "1' OR 1=1--", (await read(juliet)).ids[0]!])
    await refused(
      romeo.asks`<iq type="set"><trim xmlns="${TRIM}"><id>${id}</id></trim></iq>`,
      'item-not-found',
      'The archive has no message to trim up to',
    )
  await refused(
    romeo.asks`<iq type="set"><trim xmlns="${TRIM}"><id>${own}</id><id>${own}</id></trim></iq>`,
    'bad-request',
    'An archive is trimmed up to one message',
  )
  for (const actor of [romeo, juliet]) expect(await words(actor)).toBe('soft')
})
