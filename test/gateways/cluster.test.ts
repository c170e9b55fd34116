import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Outgoing } from '@parley/adapter'
import type { Engine } from '@parley/gateway'
import { type Live, redisLive } from '@parley/live'
import { closeStore } from '@parley/testkit'
import { EngineStage, JULIET, Played, ROMEO, until } from './engine-stage.ts'

const url = process.env['PARLEY_TEST_REDIS']
if (url) suite(url)
else test.todo('gateways on several nodes: install redis-server, or set PARLEY_TEST_REDIS')

type Hear = (topic: string, listen: (text: string, from: string) => void) => void

/** Live state as a server uses it. */
async function liveOf(redis: string, prefix: string): Promise<{ live: Live; hear: Hear }> {
  const live = await redisLive({ url: redis, prefix })
  const topics = new Map<string, (text: string, from: string) => void>()
  const told = (topic: string, text: string, from: string) => topics.get(topic)?.(text, from)
  live.handle({ ended() {}, stray() {}, missed() {}, usable() {}, told })
  return { live, hear: (topic, listen) => topics.set(topic, listen) }
}

function suite(redis: string): void {
  let stage: EngineStage
  let prefix: string
  let lives: Live[]
  let first: Engine
  let second: Engine
  let keys = 0
  const say = (text: string, peer = 'nurse'): Outgoing => ({ key: `k${++keys}`, to: { peer }, text, receipt: false })

  async function node(change: (live: Live) => Live = live => live): Promise<Engine> {
    const { live, hear } = await liveOf(redis, prefix)
    lives.push(live)
    return stage.open({ live: change(live), hear })
  }

  beforeEach(async () => {
    stage = new EngineStage()
    prefix = `test:${randomUUID()}:`
    lives = []
  })
  afterEach(async () => {
    await stage.close()
    for (const live of lives) await live.stop()
  })
  afterAll(closeStore)

  async function online(): Promise<void> {
    await first.register(ROMEO, { name: 'romeo' }, {})
    first.wake(ROMEO)
    await stage.state(first, ROMEO, 'online')
  }

  describe('an account on one of two nodes', () => {
    beforeEach(async () => {
      first = await node()
      second = await node()
    })

    test('is there once, whoever wakes it', async () => {
      await online()
      second.wake(ROMEO)
      await stage.state(second, ROMEO, 'online')
      expect(stage.states.filter(state => state === 'romeo@a.test connecting')).toHaveLength(1)
      await second.rest(ROMEO)
      expect(first.status(ROMEO).state).toBe('idle')
      await stage.state(second, ROMEO, 'idle')
    })

    test('is asked from the other, and says why not', async () => {
      const nurse = new Played(stage.world, 'nurse')
      await online()
      const { kept, done } = second.send(ROMEO, say('good morrow'))
      await kept
      expect(await done).toMatchObject({ id: 'm1', level: 'delivered' })
      expect(nurse.events).toMatchObject([{ text: 'good morrow' }])
      expect(await second.run(ROMEO, 'search', 'nur', { key: 'k' })).toMatchObject([{ id: 'nurse' }])
      await expect(second.run(ROMEO, 'send', say('x', 'nobody'))).rejects.toMatchObject({ failure: 'not-found' })
      await expect(second.run(JULIET, 'search', 'x', { key: 'k' })).rejects.toMatchObject({ failure: 'transient' })
    })

    test('is kept where it waits to be sent, also by the other', async () => {
      await online()
      await first.rest(ROMEO)
      first.wake(ROMEO)
      await stage.state(first, ROMEO, 'online')
      stage.world.cut('romeo')
      await stage.state(first, ROMEO, 'waiting')
      const { kept } = second.send(ROMEO, say('good morrow'))
      await kept
      expect(await stage.store.gateways.queued(ROMEO)).toHaveLength(1)
    })

    test('goes with its registration', async () => {
      await online()
      expect(await second.unregister(ROMEO)).toBe(true)
      expect(stage.world.person('romeo').isHere).toBe(false)
    })

    test('is known to a node that comes later', async () => {
      await online()
      const third = await node()
      await stage.state(third, ROMEO, 'online')
    })

    test('is taken over when its node is gone', async () => {
      await online()
      await first.stop()
      await lives[0]!.stop()
      second.wake(ROMEO)
      await until(() => stage.states.filter(state => state === 'romeo@a.test online').length === 2)
      expect(second.status(ROMEO).state).toBe('online')
      expect(stage.world.person('romeo').logins.size).toBe(1)
    })
  })

  test('a node that others have given up lets go of its accounts, and asks who has them', async () => {
    let name: string | undefined
    const renamed = (live: Live) =>
      new Proxy(live, {
        get(target, property) {
          if (property === 'node') return name ?? target.node
          const value = Reflect.get(target, property) as unknown
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    first = await node(renamed)
    second = await node()
    await online()
    name = 'another'
    lives[0]!.unplace('gateway loop romeo@a.test')
    await lives[1]!.place('gateway loop romeo@a.test')
    stage.clock.advance(2000)
    await until(() => stage.lines.some(line => line.includes('others have given this node up')))
    await stage.state(second, ROMEO, 'online')
    await until(() => stage.states.filter(state => state === 'romeo@a.test online').length === 2)
    expect(stage.world.person('romeo').logins.size).toBe(1)
  })
}
