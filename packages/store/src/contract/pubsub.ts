import { describe, expect, test } from '@jest/globals'
import type { PubsubItem } from '../pubsub.ts'
import type { Store } from '../store.ts'
import { fresh } from './drivers.ts'

const NODE = 'urn:x'
const MINE = 'me@example.org'
const ALL = { limit: 100, chars: 1_000_000 }
const item = (id: string, changes: Partial<PubsubItem> = {}): PubsubItem => ({
  id,
  publisher: 'me@example.org/phone',
  payload: `<x>${id}</x>`,
  published: 1000,
  ...changes,
})

export function pubsubSuite(use: () => Store): void {
  const publish = (owner: string, id: string, max = 10, changes: Partial<PubsubItem> = {}) =>
    use().pubsub.change(owner, NODE, [id], ({ node }) => ({
      ...(!node && { create: { config: { access_model: 'open' }, max: 5 } }),
      publish: item(id, changes),
      keep: { max, since: 0 },
    }))
  const ids = async (owner: string) => (await use().pubsub.items(owner, NODE, ALL))!.items.map(({ id }) => id)

  describe('publish-subscribe', () => {
    test('a node and its items come back as they were put, the newest first', async () => {
      const { pubsub } = use()
      const owner = fresh('romeo')
      const odd = item('__proto__', { payload: '<x a="Ю \\ {}">NULL</x>' })
      await publish(owner, 'a')
      await pubsub.change(owner, NODE, [], () => ({ publish: odd }))
      const node = await pubsub.node(owner, NODE, MINE)
      expect(node).toMatchObject({ owner, node: NODE, config: { access_model: 'open' }, subscriptions: [] })
      expect(await pubsub.itemsById(owner, NODE, ['__proto__', 'nothing'])).toEqual([odd])
      expect((await pubsub.items(owner, NODE, ALL))?.items).toEqual([odd, item('a')])
      expect(await pubsub.node(owner, 'urn:other', MINE)).toBeUndefined()
    })

    test('publishing an id again moves it to the end', async () => {
      const owner = fresh('romeo')
      for (const id of ['a', 'b', 'c', 'a']) await publish(owner, id)
      expect(await ids(owner)).toEqual(['a', 'c', 'b'])
    })

    test('older items give way, and the change says which', async () => {
      const owner = fresh('romeo')
      for (const id of ['a', 'b', 'c']) await publish(owner, id)
      expect([...(await publish(owner, 'd', 2))].sort()).toEqual(['a', 'b'])
      expect(await ids(owner)).toEqual(['d', 'c'])
      const gone = await use().pubsub.change(owner, NODE, [], () => ({ keep: { max: 10, since: 1000 } }))
      expect(gone).toHaveLength(2)
    })

    test('many who publish at once leave no more than the limit', async () => {
      const owner = fresh('romeo')
      await Promise.all(Array.from({ length: 12 }, (_, n) => publish(owner, `i${n}`, 3)))
      expect(await ids(owner)).toHaveLength(3)
    })

    test('who publishes again and again hears what others have changed meanwhile', async () => {
      const { pubsub } = use()
      const owner = fresh('romeo')
      const seen: unknown[] = []
      const again = (id: string) =>
        pubsub.publish(owner, NODE, ({ node }) => {
          if (node?.config['closed'] === true) throw new Error('closed')
          seen.push([node && Object.keys(node.config).length, node?.affiliations.size, node?.subscriptions.length])
          const create = node ? {} : { create: { config: { access_model: 'open' }, max: 5 } }
          return { ...create, publish: item(id), keep: { max: 2, since: 0 } }
        })
      const last = () => seen.at(-1)
      await again('a')
      await again('b')
      expect([await again('c'), await ids(owner)]).toEqual([['a'], ['c', 'b']])
      expect(last()).toEqual([1, 0, 0])
      await pubsub.change(owner, NODE, [], () => ({ affiliations: new Map([[MINE, 'member']]) }))
      await again('d')
      expect(last()).toEqual([1, 1, 0])
      const subscribe = [{ jid: MINE, subid: 's', state: 'subscribed' as const, options: {} }]
      await pubsub.change(owner, NODE, [], () => ({ subscribe }))
      await again('e')
      expect(last()).toEqual([1, 1, 1])
      await pubsub.change(owner, NODE, [], () => ({ config: { closed: true } }))
      await expect(again('f')).rejects.toThrow('closed')
      await pubsub.change(owner, NODE, [], () => ({ config: { closed: false, title: 'T' } }))
      await again('g')
      expect(last()).toEqual([2, 1, 1])
      await pubsub.change(owner, NODE, [], () => ({ delete: true }))
      await again('h')
      expect([last(), await ids(owner)]).toEqual([[undefined, undefined, undefined], ['h']])
      await Promise.all(['i', 'j', 'k', 'l'].map(again))
      expect(await ids(owner)).toHaveLength(2)
    })

    test('many who create nodes at once make no more than the limit', async () => {
      const { pubsub } = use()
      const owner = fresh('romeo')
      const create = (node: string) => pubsub.change(owner, node, [], () => ({ create: { config: {}, max: 3 } }))
      const done = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => create(`n${n}`)))
      const refused = done.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
      expect(refused.map(({ reason }) => reason.code)).toEqual(Array(5).fill('full'))
      expect(await pubsub.nodes(owner, MINE, 100)).toHaveLength(3)
      expect(await pubsub.nodes(owner, MINE, 2)).toHaveLength(2)
    })

    test('what the decision throws leaves everything as it was', async () => {
      const owner = fresh('romeo')
      await publish(owner, 'a')
      const fails = use().pubsub.change(owner, NODE, ['a', 'b'], ({ publishers }) => {
        throw new Error([...publishers].join())
      })
      await expect(fails).rejects.toThrow('a,me@example.org/phone')
      expect(await ids(owner)).toEqual(['a'])
    })

    test('pages in both directions, bounded in number and in size', async () => {
      const { pubsub } = use()
      const owner = fresh('romeo')
      for (const id of ['a', 'b', 'c', 'd']) await publish(owner, id)
      const page = async (more: object) => {
        const found = await pubsub.items(owner, NODE, { ...ALL, ...more })
        return found && [found.items.map(({ id }) => id).join(''), found.index, found.count]
      }
      expect(await page({ limit: 2 })).toEqual(['dc', 0, 4])
      expect(await page({ limit: 2, after: 'c' })).toEqual(['ba', 2, 4])
      expect(await page({ limit: 1, before: 'b' })).toEqual(['c', 1, 4])
      expect(await page({ limit: 1, before: '' })).toEqual(['a', 3, 4])
      expect(await page({ limit: 2, offset: 1 })).toEqual(['cb', 1, 4])
      expect(await page({ chars: 1 })).toEqual(['d', 0, 4])
      expect(await page({ chars: 16 })).toEqual(['dc', 0, 4])
      expect(await page({ since: 1000 })).toEqual(['', 0, 0])
      expect(await page({ after: "x' OR 1=1--" })).toBeUndefined()
    })

    test('affiliations and subscriptions, all of them or those of one', async () => {
      const { pubsub } = use()
      const owner = fresh('romeo')
      const sub = (jid: string) => ({
        jid,
        subid: `s-${jid}`,
        state: 'subscribed' as const,
        options: { deliver: true },
      })
      await publish(owner, 'a')
      await pubsub.change(owner, NODE, [], () => ({
        affiliations: new Map([
          [MINE, 'member'],
          ['b@x', 'outcast'],
        ]),
        subscribe: [sub(`${MINE}/phone`), sub('b@x')],
      }))
      const mine = await pubsub.node(owner, NODE, MINE)
      expect([...mine!.affiliations]).toEqual([[MINE, 'member']])
      expect(mine?.subscriptions).toEqual([sub(`${MINE}/phone`)])
      await pubsub.change(owner, NODE, [], ({ node }) => {
        expect([node?.affiliations.size, node?.subscriptions.length]).toEqual([2, 2])
        return { affiliations: new Map([[MINE, 'none']]), unsubscribe: ['b@x'], config: { title: 'T' } }
      })
      expect(await pubsub.node(owner, NODE, 'b@x')).toMatchObject({ subscriptions: [], config: { title: 'T' } })
      expect((await pubsub.nodes(owner, MINE, 9))[0]?.affiliations.size).toBe(0)
    })

    test('nodes of a service have owners, each of so many at most', async () => {
      const { pubsub } = use()
      const service = `pubsub.${fresh('x').split('@')[1]}.${fresh('s').split('@')[0]}`
      const create = (node: string, jid: string) =>
        pubsub.change(service, node, [], () => ({ create: { config: {}, max: 5, by: { jid, max: 2 } } }))
      const done = await Promise.allSettled(['a', 'b', 'c', 'd'].map(node => create(node, MINE)))
      expect(done.filter(({ status }) => status === 'rejected')).toHaveLength(2)
      await create('e', 'other@x')
      const mine = await pubsub.related(service, MINE, 9)
      expect(mine.map(({ affiliations }) => [...affiliations])).toEqual([[[MINE, 'owner']], [[MINE, 'owner']]])
      const subscribe = [{ jid: `${MINE}/phone`, subid: 's', state: 'pending' as const, options: {} }]
      await pubsub.change(service, 'e', [], () => ({ subscribe }))
      expect((await pubsub.related(service, MINE, 9)).map(({ node }) => node)).toContain('e')
      expect(await pubsub.related(service, MINE, 1)).toHaveLength(1)
      expect(await pubsub.related(service, 'nobody@x', 9)).toEqual([])
    })

    test('who waits to be let in, at some nodes', async () => {
      const { pubsub } = use()
      const owner = fresh('romeo')
      const sub = (jid: string, state: 'pending' | 'subscribed') => ({ jid, subid: `s-${jid}`, state, options: {} })
      for (const node of ['a', 'b', 'c'])
        await pubsub.change(owner, node, [], () => ({
          create: { config: {}, max: 5 },
          subscribe: [sub(`${node}@x`, 'pending'), sub('in@x', 'subscribed')],
        }))
      const waiting = async (nodes: string[], limit = 9) =>
        (await pubsub.pending(owner, nodes, limit)).map(({ node, jid, subid }) => `${node} ${jid} ${subid}`)
      expect(await waiting(['c', 'a', 'none'])).toEqual(['a a@x s-a@x', 'c c@x s-c@x'])
      expect(await waiting(['a', 'b'], 1)).toEqual(['a a@x s-a@x'])
      expect(await waiting([])).toEqual([])
    })

    test('a subscription that ends makes room for another one of the same address', async () => {
      const { pubsub } = use()
      const owner = fresh('romeo')
      const sub = (subid: string) => ({ jid: MINE, subid, state: 'subscribed' as const, options: {} })
      await publish(owner, 'a')
      await pubsub.change(owner, NODE, [], () => ({ subscribe: [sub('first')] }))
      await pubsub.change(owner, NODE, [], () => ({ unsubscribe: [MINE], subscribe: [sub('second')] }))
      expect((await pubsub.node(owner, NODE, MINE))?.subscriptions).toEqual([sub('second')])
    })

    test('the newest item of many nodes of many owners in one call', async () => {
      const { pubsub } = use()
      const [romeo, juliet] = [fresh('romeo'), fresh('juliet')]
      for (const owner of [romeo, juliet]) for (const id of ['a', 'b']) await publish(owner, id)
      await pubsub.change(romeo, 'urn:empty', [], () => ({ create: { config: {}, max: 5 } }))
      const found = await pubsub.latest([romeo, juliet, fresh('nobody')], [NODE, 'urn:empty', 'urn:none'], MINE, 1000)
      expect(found.map(({ node, item }) => `${node.owner} ${item.id}`).sort()).toEqual(
        [`${juliet} b`, `${romeo} b`].sort(),
      )
      expect(await pubsub.latest([romeo, juliet], [NODE], MINE, 8)).toHaveLength(1)
    })

    test('retracting, purging and deleting', async () => {
      const { pubsub } = use()
      const owner = fresh('romeo')
      for (const id of ['a', 'b', 'c']) await publish(owner, id)
      await pubsub.change(owner, NODE, [], () => ({ retract: ['a', 'nothing'] }))
      expect(await ids(owner)).toEqual(['c', 'b'])
      await pubsub.change(owner, NODE, [], () => ({ purge: true }))
      expect(await ids(owner)).toEqual([])
      await pubsub.change(owner, NODE, [], () => ({ delete: true }))
      expect(await pubsub.node(owner, NODE, MINE)).toBeUndefined()
    })

    test('who is removed is gone from the nodes of others too', async () => {
      const { pubsub, removeAccount } = use()
      const [romeo, juliet] = [fresh('romeo'), fresh('juliet')]
      await publish(romeo, 'a')
      const subscribe = [{ jid: `${juliet}/x`, subid: 's', state: 'subscribed' as const, options: {} }]
      await pubsub.change(romeo, NODE, [], () => ({ affiliations: new Map([[juliet, 'publisher']]), subscribe }))
      await removeAccount(juliet)
      expect(await pubsub.node(romeo, NODE, juliet)).toMatchObject({ affiliations: new Map(), subscriptions: [] })
    })
  })
}
