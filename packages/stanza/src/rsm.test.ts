import { describe, expect, test } from '@jest/globals'
import { parseElement } from '@parley/xml'
import { type PageRequest, pageOf, readRsm, rsmElement } from './rsm.ts'

const ask = (xml: string) =>
  readRsm(parseElement(`<q xmlns="urn:x"><set xmlns="http://jabber.org/protocol/rsm">${xml}</set></q>`))

describe('a page request', () => {
  test.each<[string, PageRequest]>([
    ['', {}],
    ['<max>10</max>', { max: 10 }],
    ['<max>0</max>', { max: 0 }],
    ['<max>5</max><after>x</after>', { max: 5, after: 'x' }],
    ['<before/>', { before: '' }],
    ['<before>y</before>', { before: 'y' }],
    ['<after/>', {}],
    ['<index>3</index>', { index: 3 }],
  ])('%s', (xml, request) => {
    expect(ask(xml)).toEqual(request)
  })

  test('there may be none', () => {
    expect(readRsm(parseElement('<q xmlns="urn:x"/>'))).toEqual({})
  })

  test.each(['<max>-1</max>', '<max>ten</max>', `<max>1${'0'.repeat(30)}</max>`, '<max/>', '<index>1.5</index>'])(
    '%s has no whole number',
    xml => {
      expect(() => ask(xml)).toThrow('A page has a whole number of items')
    },
  )

  test('two places at once are refused', () => {
    expect(() => ask('<after>a</after><before>b</before>')).toThrow('A page has one place')
  })
})

describe('a page of a list', () => {
  const all = ['a', 'b', 'c', 'd', 'e']
  const page = (request: PageRequest, limit = 2) => pageOf(all, id => id, request, limit)

  test.each<[PageRequest, string, number]>([
    [{}, 'ab', 0],
    [{ after: 'b' }, 'cd', 2],
    [{ after: 'd' }, 'e', 4],
    [{ before: '' }, 'de', 3],
    [{ before: 'd' }, 'bc', 1],
    [{ before: 'b' }, 'a', 0],
    [{ index: 3 }, 'de', 3],
    [{ max: 1, after: 'a' }, 'b', 1],
    [{ max: 1_000_000_000 }, 'ab', 0],
  ])('%j', (request, items, index) => {
    const { items: found, summary } = page(request)
    expect(found.join('')).toBe(items)
    expect(summary).toEqual({ first: items[0], last: items.at(-1), index, count: 5 })
  })

  test.each<PageRequest>([{ max: 0 }, { after: 'e' }, { before: 'a' }, { index: 9 }])('%j is empty', request => {
    expect(page(request)).toEqual({ items: [], summary: { count: 5 } })
  })

  test('an item that is not there is not found', () => {
    expect(() => page({ after: 'z' })).toThrow('item-not-found')
  })
})

test('a summary as XML', () => {
  expect(rsmElement({ first: 'a', last: 'b', index: 0, count: 9 }).toString()).toBe(
    '<set xmlns="http://jabber.org/protocol/rsm"><first index="0">a</first><last>b</last><count>9</count></set>',
  )
  expect(rsmElement({ count: 0 }).toString()).toBe('<set xmlns="http://jabber.org/protocol/rsm"><count>0</count></set>')
})
