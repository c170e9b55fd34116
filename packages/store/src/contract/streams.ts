import { randomBytes } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import type { Store } from '../store.ts'
import { fresh } from './drivers.ts'
import { entry } from './messages.ts'

export function streamSuite(use: () => Store): void {
  const stream = () => randomBytes(9).toString('base64url')

  describe('numbered stanzas (XEP-0198)', () => {
    test('the count of a stream is stored with the rows and never goes back', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const smId = stream()
      expect(await messages.smHandled(smId)).toBeUndefined()
      await Promise.all([1, 3, 2].map(k => messages.append([entry(owner)], { smId, owner, k })))
      expect(await messages.smHandled(smId)).toBe(3)
      await messages.append([], { smId, owner, k: 1 })
      expect(await messages.smHandled(smId)).toBe(3)
      await messages.append([], { smId, owner, k: 5 })
      expect(await messages.smHandled(smId)).toBe(5)
      await messages.forgetSm(smId)
      expect(await messages.smHandled(smId)).toBeUndefined()
    })

    test('a repeated stanza stores nothing and answers with the first ids', async () => {
      const { messages } = use()
      const [owner, peer] = [fresh('romeo'), fresh('juliet')]
      const inbound = { smId: stream(), owner, k: 7, outbox: true }
      const rows = [
        entry(owner, { stanza: 'mine' }),
        entry(peer, { stanza: 'hers', owed: true }),
        entry(peer, { stanza: 'copy' }),
      ]
      const first = await messages.append(rows, inbound)
      const again = await messages.append(rows, inbound)
      expect(again).toEqual(first)
      expect(await messages.count(owner, {})).toBe(1)
      expect(await messages.count(peer, {})).toBe(2)
      expect(await messages.owedCount(peer)).toBe(1)
      expect((await messages.unfinished(inbound.smId)).map(row => row.id)).toEqual(first)
    })

    test('a repeat in the same batch is swallowed too, beside stanzas that are not repeated', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const inbound = { smId: stream(), owner, k: 1, outbox: true }
      const [first, again, other, plain] = await Promise.all([
        messages.append([entry(owner)], inbound),
        messages.append([entry(owner)], inbound),
        messages.append([entry(owner)], { ...inbound, k: 2 }),
        messages.append([entry(owner)]),
      ])
      expect(again).toEqual(first)
      expect(new Set([first, other, plain].map(String)).size).toBe(3)
      expect(await messages.count(owner, {})).toBe(3)
    })

    test('an owner that was replaced stores nothing more, not even what has left the outbox', async () => {
      const { messages } = use()
      const [owner, other] = [fresh('romeo'), fresh('juliet')]
      const inbound = { smId: stream(), owner, k: 1, outbox: true, epoch: 1 }
      await messages.append([entry(owner)], inbound)
      await messages.append([entry(owner)], { ...inbound, k: 2, epoch: 2 })
      messages.handedOn(inbound.smId, 2)
      await messages.flush()
      const late = [2, 3].map(k => messages.append([entry(owner, { owed: true })], { ...inbound, k }))
      const beside = messages.append([entry(other)], { smId: stream(), owner: other, k: 1, outbox: true, epoch: 1 })
      const outcomes = await Promise.allSettled([...late, beside])
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
      await expect(late[0]).rejects.toMatchObject({ code: 'fenced' })
      expect(await messages.count(owner, {})).toBe(2)
      expect(await messages.owedCount(owner)).toBe(0)
      expect(await messages.smHandled(inbound.smId)).toBe(2)
      expect(await messages.unfinished(inbound.smId)).toEqual([])
    })

    test('nothing more of a stream is stored when it has been fenced', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const inbound = { smId: stream(), owner, k: 4, outbox: true, epoch: 1 }
      expect(await messages.fenceSm(inbound.smId)).toBeUndefined()
      await messages.append([entry(owner)], inbound)
      expect(await messages.fenceSm(inbound.smId)).toBe(4)
      await expect(messages.append([entry(owner)], { ...inbound, k: 5 })).rejects.toMatchObject({ code: 'fenced' })
      expect(await messages.count(owner, {})).toBe(1)
      expect(await messages.smHandled(inbound.smId)).toBe(4)
    })

    test('the outbox is emptied up to what is handed on', async () => {
      const { messages } = use()
      const owner = fresh('romeo')
      const smId = stream()
      for (const k of [1, 2, 3]) await messages.append([entry(owner)], { smId, owner, k, outbox: true })
      messages.handedOn(smId, 2)
      await messages.flush()
      expect((await messages.unfinished(smId)).map(row => row.k)).toEqual([3])
      await messages.forgetSm(smId)
      expect(await messages.unfinished(smId)).toEqual([])
    })
  })
}
