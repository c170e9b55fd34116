import { expect } from '@jest/globals'
import { refused, scenario } from '@parley/testkit'
import { fin, read, say } from './archive-reader.ts'

const RSM = 'http://jabber.org/protocol/rsm'

scenario('XEP-0059 § 2.1: no more items than were asked for', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', 'one two three')
  await juliet.settles()
  expect((await read(juliet, { rsm: '<max>2</max>' })).words).toBe('one two')
})

scenario('XEP-0059 § 2.4: a page that is counted from nothing is not found', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  for (const place of ['<after>0000000000000</after>', '<before>nothing</before>']) {
    await refused(fin(romeo, { rsm: place }), 'item-not-found')
  }
})

scenario('XEP-0059 § 2.2: an empty page has neither first nor last', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', 'one')
  await juliet.settles()
  const { ids } = await read(juliet)
  const set = (await fin(juliet, { rsm: `<after>${ids[0]}</after>` })).child('set', RSM)
  expect(set?.elements()).toEqual([])
})

scenario('XEP-0059 § 2.6: the count is told where it is known without counting', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', 'one two three')
  await juliet.settles()
  const count = async (rsm: string) => (await fin(juliet, { rsm })).child('set', RSM)?.textOf('count')
  expect(await count('<max>3</max>')).toBe('3')
  expect(await count('<max>3</max><before/>')).toBe('3')
  expect(await count('<max>2</max>')).toBeUndefined()
  const { ids } = await read(juliet)
  expect(await count(`<after>${ids[0]}</after>`)).toBeUndefined()
})

scenario('XEP-0059 § 2.6: pages by position are refused where there are none', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await refused(
    fin(romeo, { rsm: '<max>1</max><index>3</index>' }),
    'feature-not-implemented',
    'An archive has no pages by position',
  )
})

scenario('XEP-0059 § 2.7: the count alone', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', 'one two three')
  await juliet.settles()
  const page = await read(juliet, { rsm: '<max>0</max>' })
  expect([page.words, page.fin.attrs['complete'], page.fin.child('set', RSM)?.textOf('count')]).toEqual([
    '',
    undefined,
    '3',
  ])
})

scenario('XEP-0059 § 2: what is no number, and two places at once, are refused', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  for (const max of ['-1', 'many', `1${'0'.repeat(30)}`, '']) {
    await refused(fin(romeo, { rsm: `<max>${max}</max>` }), 'bad-request', 'A page has a whole number of items')
  }
  await refused(fin(romeo, { rsm: '<before/><after>x</after>' }), 'bad-request', 'A page has one place')
})
