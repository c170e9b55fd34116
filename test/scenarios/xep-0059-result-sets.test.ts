import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { fin, read, say } from './archive-reader.ts'
import { makes, ROOM } from './room.ts'

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

const DISCO_ITEMS = 'http://jabber.org/protocol/disco#items'

/** Asks for a list; gives who is in it, and what page it is. */
async function listed(actor: Actor, to: string, set: string, attributes = '') {
  const answer = await actor.asksRaw(
    `<iq type="get" to="${to}"><query xmlns="${DISCO_ITEMS}" ${attributes}>${set}</query></iq>`,
  )
  const query = answer.child('query', DISCO_ITEMS)!
  const page = query.child('set', RSM)
  return {
    items: query.childrenNamed('item').map(({ attrs }) => (attrs['node'] ?? attrs['jid']!).replace(/@.*/, '')),
    page: page && [
      page.textOf('first'),
      page.child('first')?.attrs['index'],
      page.textOf('last'),
      page.textOf('count'),
    ],
  }
}

scenario(
  'XEP-0059 § 2.2: who asks for a page of rooms hears which one it is, though it has all',
  async ({ server }) => {
    const [romeo] = await (await server('a.test')).connect('romeo/orchard')
    const service = 'conference.a.test'
    // "the responding entity shall return an empty <query/> element".
    expect(await listed(romeo, service, `<set xmlns="${RSM}"/>`)).toEqual({ items: [], page: undefined })
    for (const room of ['coven', 'heath']) {
      await romeo.sends`<presence to="${room}@${service}/romeo"><x xmlns="http://jabber.org/protocol/muc"/></presence>`
      await romeo.asks`<iq type="set" to="${room}@${service}"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_publicroom"><value>1</value></field></x></query></iq>`
    }
    await romeo.settles()
    const both = ['coven', 'heath']
    const [first, last] = both.map(room => `${room}@${service}`)
    expect(await listed(romeo, service, '')).toEqual({ items: both, page: undefined })
    const all = { items: both, page: [first, '0', last, '2'] }
    expect(await listed(romeo, service, `<set xmlns="${RSM}"/>`)).toEqual(all)
    expect(await listed(romeo, service, `<set xmlns="${RSM}"><max>10</max></set>`)).toEqual(all)
    const second = `<set xmlns="${RSM}"><max>10</max><after>${first}</after></set>`
    expect(await listed(romeo, service, second)).toEqual({ items: ['heath'], page: [last, '1', last, '2'] })
    expect(await listed(romeo, service, `<set xmlns="${RSM}"><max>0</max></set>`)).toEqual({
      items: [],
      page: [undefined, undefined, undefined, '2'],
    })
  },
)

scenario('XEP-0059 § 2.2: what a room lists has pages', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  const commands = 'node="http://jabber.org/protocol/commands"'
  const { items, page } = await listed(romeo, ROOM, '', commands)
  expect(page).toBeUndefined()
  const firstPage = await listed(romeo, ROOM, `<set xmlns="${RSM}"><max>2</max></set>`, commands)
  expect(firstPage).toEqual({ items: items.slice(0, 2), page: [items[0], '0', items[1], String(items.length)] })
  const rest = await listed(romeo, ROOM, `<set xmlns="${RSM}"><after>${items[1]}</after></set>`, commands)
  expect(rest.items).toEqual(items.slice(2))
  expect(await listed(romeo, ROOM, `<set xmlns="${RSM}"/>`)).toEqual({ items: [], page: undefined })
})
