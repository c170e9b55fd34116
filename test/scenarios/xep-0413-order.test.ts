import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { fin, type Page, read, say } from './archive-reader.ts'
import { enters, makes, ROOM } from './room.ts'
import { speaks } from './room-lines.ts'

const ORDER = 'urn:xmpp:order-by:1'
const by = (order: string, desc = '') => `<order xmlns="${ORDER}" by="${order}"${desc && ` desc="${desc}"`}/>`
const newest = by('creation', 'true')
const edges = ({ fin }: Page) => {
  const set = fin.child('set', 'http://jabber.org/protocol/rsm')!
  return [set.textOf('first'), set.textOf('last'), fin.attrs['complete']]
}

/** Romeo has said five words to Juliet. */
async function told(actors: readonly [Actor, Actor]): Promise<readonly [Actor, Actor]> {
  const [romeo, juliet] = actors
  await say(romeo, 'juliet@a.test', 'a b c d e')
  await juliet.settles()
  return actors
}

scenario('XEP-0413 § 4.3: an archive is read from its oldest message or from its newest', async ({ server }) => {
  const [romeo] = await told(await (await server('a.test')).join('romeo/orchard', 'juliet/balcony'))
  for (const order of ['creation', 'modification']) {
    expect((await read(romeo, { more: by(order) })).words).toBe('a b c d e')
    // § 4.4
    for (const no of ['false', '0']) expect((await read(romeo, { more: by(order, no) })).words).toBe('a b c d e')
    for (const yes of ['true', '1']) expect((await read(romeo, { more: by(order, yes) })).words).toBe('e d c b a')
  }
  // § 7: the first order decides.
  expect((await read(romeo, { more: newest + by('modification') })).words).toBe('e d c b a')
  expect((await read(romeo, { more: by('modification') + newest })).words).toBe('a b c d e')
  // Filters hold in any order.
  const fields = { end: '2000-01-01T00:00:00Z' }
  expect((await read(romeo, { fields, more: newest })).words).toBe('')
})

scenario('XEP-0413 § 4.5: pages follow one another from the newest to the oldest, and back', async ({ server }) => {
  const [, juliet] = await told(await (await server('a.test')).join('romeo/orchard', 'juliet/balcony'))
  const { ids } = await read(juliet)
  const page = (place: string) => read(juliet, { rsm: `<max>2</max>${place}`, more: newest })
  const first = await page('')
  expect([first.words, ...edges(first)]).toEqual(['e d', ids[4], ids[3], undefined])
  const second = await page(`<after>${ids[3]!}</after>`)
  expect([second.words, ...edges(second)]).toEqual(['c b', ids[2], ids[1], undefined])
  const third = await page(`<after>${ids[1]!}</after>`)
  expect([third.words, ...edges(third)]).toEqual(['a', ids[0], ids[0], 'true'])
  expect((await page(`<before>${ids[1]!}</before>`)).words).toBe('d c')
  expect((await page('<before/>')).words).toBe('b a')
  expect((await page(`<before>${ids[3]!}</before>`)).fin.attrs['complete']).toBe('true')
})

scenario('XEP-0413 § 5: a page that is turned round has the same ends', async ({ server }) => {
  const [, juliet] = await told(await (await server('a.test')).join('romeo/orchard', 'juliet/balcony'))
  const { ids } = await read(juliet)
  const flipped = await read(juliet, { rsm: '<max>2</max>', more: `${newest}<flip-page/>` })
  expect([flipped.words, ...edges(flipped)]).toEqual(['d e', ids[4], ids[3], undefined])
})

scenario('XEP-0413 § 4.3: a room’s archive has the same orders', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  for (const actor of [romeo, juliet]) await actor.settles()
  for (const word of ['a', 'b', 'c']) await speaks(romeo, word, juliet)
  expect((await read(juliet, { to: ROOM, more: newest, rsm: '<max>2</max>' })).words).toBe('c b')
})

scenario('XEP-0413 § 6: accounts and rooms say that their archives have an order', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  for (const to of ['romeo@a.test', ROOM]) {
    const info = await romeo.asks`<iq type="get" to="${to}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
    const features = info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
    for (const feature of [ORDER, `${ORDER}@urn:xmpp:mam:2`]) expect(features).toContain(feature)
  }
})

scenario('XEP-0413 § 4.6: an order that is not known, or a direction that is none, is refused', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  for (const more of [by('size'), by(''), `<order xmlns="${ORDER}"/>`, newest + by('{urn:example}size')])
    await refused(
      fin(romeo, { more }),
      'feature-not-implemented',
      'An archive is in the order of creation or modification',
    )
  for (const desc of ['yes', 'TRUE', "1' OR 1=1--"])
    await refused(fin(romeo, { more: by('creation', desc) }), 'bad-request', 'An order is descending or not')
})

scenario('XEP-0413 § 4.5: whoever looks at the newest first still gets what waits', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', 'a b c')
  const { ids } = await read(juliet, { rsm: '<max>1</max>', more: newest })
  await read(juliet, { rsm: `<max>1</max><before>${ids[0]!}</before>`, more: newest })
  await juliet.sends`<presence/>`
  await juliet.receives`<presence/>`
  for (const word of ['a', 'b']) await juliet.receives`<message><body>${word}</body></message>`
  await juliet.receivesNothing()
})
