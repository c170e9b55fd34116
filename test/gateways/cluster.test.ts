import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Outgoing } from '@parley/adapter'
import type { Engine } from '@parley/gateway'
import { type Live, redisLive } from '@parley/live'
import { closeStore } from '@parley/testkit'
import { ROLES, type Role } from '@xmpp/server-core'
import { eventually } from '../interop/eventually.ts'
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

  async function node(change: (live: Live) => Live = live => live, roles: readonly Role[] = ROLES): Promise<Engine> {
    const { live, hear } = await liveOf(redis, prefix)
    lives.push(live)
    live.describe({ roles: roles.join(' '), state: 'serving' })
    return stage.open({ live: change(live), hear, roles })
  }
  const withRole = (...roles: Role[]) => node(undefined, roles)
  /** Resolves when a node sees so many with the role. */
  async function seen(live: Live, role: Role, count = 1): Promise<void> {
    for (;;) {
      const nodes = await live.nodes()
      if (nodes.filter(({ about }) => String(about['roles']).includes(role)).length >= count) return
      await new Promise(resolve => setTimeout(resolve, 20))
    }
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

    test('and many others are divided among those that are left when their node dies', async () => {
      const third = await node()
      const people = Array.from({ length: 20 }, (_, index) => ({ provider: 'loop', owner: `person${index}@a.test` }))
      for (const key of people) {
        await first.register(key, { name: key.owner.split('@')[0]! }, {})
        first.wake(key)
      }
      // They begin one after another.
      const settled = (isSo: () => boolean) =>
        until(() => {
          stage.clock.advance(20)
          return isSo() && people.every(key => [second, third].every(each => each.status(key).state === 'online'))
        })
      await settled(() => true)
      await seen(lives[1]!, 'gateways', 3)
      await lives[0]!.stop()
      await first.stop()
      stage.clock.advance(2000)
      const had = () => [second, third].map(each => [...each.sessions()].length)
      // By now each has looked once: what one has not taken at its second look the other one takes.
      await until(() => had()[0]! + had()[1]! === people.length)
      await settled(() => true)
      expect(had()).not.toContain(0)
    })
  })

  describe('a node without the role', () => {
    const why = 'No process serves other networks at the moment'

    test('runs no session: a node with it does what is asked here', async () => {
      const nurse = new Played(stage.world, 'nurse')
      first = await withRole('clients')
      second = await withRole('gateways')
      await seen(lives[0]!, 'gateways')
      await online()
      expect((await lives[0]!.place('gateway loop romeo@a.test', undefined, false)).node).toBe(lives[1]!.node)
      expect(await first.run(ROMEO, 'send', say('good morrow'))).toMatchObject({ level: 'delivered' })
      expect(nurse.events).toMatchObject([{ text: 'good morrow' }])
      await first.rest(ROMEO)
      expect(second.status(ROMEO).state).toBe('idle')
    })

    test('says why there is none, forgets what is forgotten, and begins when a node with it comes', async () => {
      first = await withRole('clients', 'federation')
      await first.register(ROMEO, { name: 'romeo' }, {})
      first.wake(ROMEO)
      await stage.state(first, ROMEO, 'waiting')
      expect(first.status(ROMEO).detail).toBe(why)
      await expect(first.run(ROMEO, 'search', 'x', { key: 'k' })).rejects.toThrow(why)
      const { kept, done } = first.send(ROMEO, say('good morrow'))
      await expect(kept).rejects.toThrow(why)
      await expect(done).rejects.toThrow(why)
      await first.rest(ROMEO)
      expect(first.status(ROMEO).state).toBe('idle')
      await first.register(JULIET, { name: 'juliet' }, {})
      first.wake(JULIET)
      await stage.state(first, JULIET, 'waiting')
      expect(await first.unregister(JULIET)).toBe(true)
      first.wake(ROMEO)
      await stage.state(first, ROMEO, 'waiting')
      second = await withRole('gateways')
      await seen(lives[0]!, 'gateways')
      stage.states.length = 0
      stage.clock.advance(2000)
      await stage.state(first, ROMEO, 'online')
      expect(stage.states).toEqual(['romeo@a.test connecting', 'romeo@a.test online'])
    })

    test('gives messages up that nobody has woken, in their time', async () => {
      first = await node()
      await online()
      stage.world.cut('romeo')
      await stage.state(first, ROMEO, 'waiting')
      await first.send(ROMEO, say('good morrow')).kept
      await first.stop()
      await lives[0]!.stop()
      second = await withRole('clients')
      await until(() => {
        stage.clock.advance(60_000)
        return stage.eventsOf('bounced').length === 1
      })
      await eventually('nothing queued', async () => (await stage.store.gateways.queued(ROMEO)).length === 0)
    })
  })

  test('what a node had when it went begins elsewhere, without anybody asking', async () => {
    const front = await withRole('clients')
    first = await withRole('gateways')
    await seen(lives[0]!, 'gateways')
    await first.register(ROMEO, { name: 'romeo' }, {})
    front.wake(ROMEO)
    await stage.state(front, ROMEO, 'online')
    second = await withRole('gateways')
    await stage.state(second, ROMEO, 'online')
    stage.states.length = 0
    await first.stop()
    await lives[1]!.stop()
    stage.clock.advance(2000)
    await until(() => stage.states.includes('romeo@a.test online'))
    await stage.state(front, ROMEO, 'online')
    expect((await lives[2]!.place('gateway loop romeo@a.test')).own).toBe(true)
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
