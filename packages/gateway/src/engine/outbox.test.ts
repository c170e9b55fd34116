import { afterAll, beforeEach, expect, test } from '@jest/globals'
import { type Ack, AdapterError, type Outgoing } from '@parley/adapter'
import type { Store } from '@parley/store'
import { closeStore, emptyStore, FakeClock } from '@parley/testkit'
import { Outbox, type OutboxParts } from './outbox.ts'

const KEY = { owner: 'romeo@example.org', provider: 'loop' }
const PATIENCE = 60_000
let clock: FakeClock
let store: Store
let tried: string[]
let answer: (message: Outgoing) => Promise<Ack>
let orphans: string[]
beforeEach(async () => {
  clock = new FakeClock()
  store = await emptyStore(() => clock.now())
  tried = []
  orphans = []
  answer = async ({ key }) => ({ id: `n-${key}`, level: 'sent' })
})
afterAll(closeStore)

const say = (key: string, peer = 'juliet'): Outgoing => ({ key, to: { peer }, text: key, receipt: false })
const outbox = (changes: Partial<OutboxParts> = {}) =>
  new Outbox({
    ...{ key: KEY, store: store.gateways, clock, patience: PATIENCE, rate: 1000, most: 100 },
    call: message => {
      tried.push(message.key)
      return answer(message)
    },
    sent: async (message, ack) => void orphans.push(`${message.key} is ${ack.id}`),
    failed: (message, error) => void orphans.push(`${message.key} failed: ${error.message}`),
    trouble: error => {
      throw error
    },
    ...changes,
  })
const queued = async () => (await store.gateways.queued(KEY)).map(({ key }) => key)
const emptied = async (box: Outbox) => {
  while (box.size > 0) await new Promise(resolve => setImmediate(resolve))
}

test('what is sent is kept first, then sent, then forgotten', async () => {
  const box = outbox()
  const first = box.send(say('a'))
  await first.kept
  expect(await queued()).toEqual(['a'])
  expect(tried).toEqual([])
  box.open()
  expect(await first.done).toEqual({ id: 'n-a', level: 'sent' })
  while ((await queued()).length > 0);
})

test('conversations keep their order and do not wait for each other', async () => {
  const box = outbox()
  const answers = new Map<string, () => void>()
  answer = message => new Promise(resolve => answers.set(message.key, () => resolve({ level: 'sent' })))
  box.open()
  const sent = [box.send(say('a1')), box.send(say('a2')), box.send(say('b1', 'nurse')), box.send(say('a3'))]
  await Promise.all(sent.map(({ kept }) => kept))
  expect(tried).toEqual(['a1', 'b1'])
  answers.get('a1')!()
  await sent[0]!.done
  expect(tried).toEqual(['a1', 'b1', 'a2'])
  answers.get('a2')!()
  await sent[1]!.done
  expect(tried).toEqual(['a1', 'b1', 'a2', 'a3'])
})

test('threat 160: what could not be sent in time is told, never lost in silence', async () => {
  const box = outbox()
  const { done, kept } = box.send(say('a'))
  await kept
  clock.advance(PATIENCE - 1)
  const later = box.send(say('b'))
  await later.kept
  clock.advance(1)
  await expect(done).rejects.toThrow('The network could not be reached in time')
  box.open()
  await later.done
  expect(tried).toEqual(['b'])
})

test('what waits survives a restart: it is sent with its ids written down, or given up', async () => {
  const before = outbox()
  for (const key of ['a', 'b', 'c']) await before.send(say(key)).kept
  before.stop()
  const after = outbox()
  await after.load()
  expect(after.size).toBe(3)
  after.open()
  await emptied(after)
  expect(orphans).toEqual(['a is n-a', 'b is n-b', 'c is n-c'])
  const third = outbox()
  await third.send(say('d')).kept
  third.stop()
  const late = outbox()
  clock.advance(PATIENCE)
  await late.load()
  await emptied(late)
  expect(orphans.at(-1)).toBe('d failed: The network could not be reached in time')
})

test('a network that is busy is asked again, exactly when it says', async () => {
  const box = outbox()
  answer = async () => {
    throw new AdapterError('limited', 'Too fast', 12_000)
  }
  box.open()
  const { done, kept } = box.send(say('a'))
  await kept
  await new Promise(resolve => setImmediate(resolve))
  answer = async () => ({ level: 'sent' })
  clock.advance(11_999)
  expect(tried).toEqual(['a'])
  clock.advance(1)
  expect(tried).toEqual(['a', 'a'])
  await done
})

test('a network that refuses is not asked again', async () => {
  const box = outbox()
  answer = async ({ key }) => {
    if (key === 'a') throw new AdapterError('blocked', 'They do not want to hear from you')
    return { level: 'sent' }
  }
  box.open()
  const [first, second] = [box.send(say('a')), box.send(say('b'))]
  await expect(first.done).rejects.toMatchObject({ failure: 'blocked' })
  await second.done
  expect(tried).toEqual(['a', 'b'])
})

test('what was under way when the session broke is sent again, in its place', async () => {
  const box = outbox()
  box.open()
  answer = async () => {
    box.close()
    throw new AdapterError('transient', 'The connection was lost')
  }
  const [first, second] = [box.send(say('a')), box.send(say('b'))]
  await second.kept
  expect(tried).toEqual(['a'])
  answer = async () => ({ level: 'sent' })
  box.open()
  await Promise.all([first.done, second.done])
  expect(tried).toEqual(['a', 'a', 'b'])
})

test('no more is sent in a second than the network takes', async () => {
  const box = outbox({ rate: 1 })
  box.open()
  const sent = Array.from({ length: 8 }, (_, index) => box.send(say(`${index}`, `peer${index}`)))
  await Promise.all(sent.map(({ kept }) => kept))
  expect(tried).toHaveLength(5)
  clock.advance(1000)
  expect(tried).toHaveLength(6)
  clock.advance(2000)
  expect(tried).toHaveLength(8)
})

test('no more waits than is good, and nothing waits twice', async () => {
  const box = outbox({ most: 2 })
  const first = box.send(say('a'))
  expect(box.send(say('b')).kept).toBeInstanceOf(Promise)
  const third = box.send(say('c'))
  await expect(third.kept).rejects.toMatchObject({ failure: 'limited' })
  await expect(third.done).rejects.toMatchObject({ failure: 'limited' })
  await first.kept
  expect(box.send(say('a')).done).toBe(first.done)
})
