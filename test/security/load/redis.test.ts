import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ScratchDatabase, scratchDatabase } from '@parley/store'
import { eventually } from '../../interop/eventually.ts'
import { Node, OwnRedis, Passage } from './machines.ts'
import { BACK, Pair } from './pair.ts'
import { Wired } from './wired.ts'

/** What a flood that meets a server without Redis may cost it (MiB). */
const GROWTH = 150

if (process.env['PARLEY_TEST_REDIS']) suite()
else test.todo('Redis misbehaves: needs Redis')

function suite(): void {
  describe('Redis misbehaves', () => {
    let redis: OwnRedis
    let passage: Passage
    let database: ScratchDatabase
    let node: Node
    let pair: Pair

    beforeAll(async () => {
      redis = await OwnRedis.open()
      passage = await Passage.open({ port: redis.port, host: '127.0.0.1' })
      database = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
      node = await Node.open({ PARLEY_REDIS: `redis://127.0.0.1:${passage.port}`, PARLEY_DATABASE: database.url })
      pair = await Pair.of(node)
    })
    afterAll(async () => {
      pair?.leaves()
      await node?.remove()
      passage?.close()
      await redis?.remove()
      await database?.drop()
    })

    test('Redis is killed and started again: nothing is acknowledged meanwhile, nothing is lost or doubled', async () => {
      await pair.isPromisedNothing(
        () => redis.kill(),
        () => redis.start(),
      )
      expect(node.complaints(/^Redis is away: .*nothing is acknowledged until it is back/).length).toBeGreaterThan(0)
    })

    test('Redis stands still: the same', async () => {
      await pair.isPromisedNothing(
        () => redis.signal('SIGSTOP'),
        () => redis.signal('SIGCONT'),
      )
    })

    test('the network to Redis is cut: the same', async () => {
      await pair.isPromisedNothing(
        () => (passage.weather = 'cut'),
        () => (passage.weather = 'open'),
      )
    })

    test('the network to Redis swallows everything, for longer than a process may go without: nothing is read, nothing grows', async () => {
      await node.users('mallory')
      const mallory = await Wired.join(node.port, 'mallory/attic')
      const before = node.memory
      await pair.isPromisedNothing(
        () => {
          passage.weather = 'held'
          flood()
        },
        () => {
          expect(node.complaints(/not reading from clients/).length).toBeGreaterThan(0)
          expect(node.memory - before).toBeLessThan(GROWTH)
          passage.weather = 'open'
        },
        () => pause(5000),
      )
      mallory.leave()

      /** Somebody who cares for no answer. */
      function flood(): void {
        const filling = 'x'.repeat(1000)
        for (let n = 0; n < 40_000; n++) mallory.says('nobody@localhost', filling, `flood${n}`)
      }
    })

    test('Redis is slow: all goes on, slowly', async () => {
      passage.weather = 100
      await pair.goesOn()
      expect(await pair.romeo.pings()).toBeLessThan(1000)
      passage.weather = 'open'
      await pair.goesOn()
    })

    test('Redis is full and evicts nothing: nothing is acknowledged, and the log says why', async () => {
      await pair.isPromisedNothing(
        () => redis.say('CONFIG SET maxmemory 1'),
        () => redis.say('CONFIG SET maxmemory 0'),
      )
      expect(node.complaints(/^Redis takes no changes: OOM .*nothing is acknowledged until it does/)).toHaveLength(1)
    })

    /** Redis has lost what it had confirmed: sessions end, and what was not acknowledged comes from the log. */
    async function losesSessions(harm: () => Promise<unknown>): Promise<void> {
      await pair.goesOn()
      const [body = ''] = pair.says(1)
      const { romeo, juliet } = pair
      await juliet.hears(body)
      expect(await romeo.handled()).toBe(romeo.sent)
      await harm()
      const harmed = performance.now()
      await eventually('both connections end', () => !romeo.isOpen && !juliet.isOpen, { within: BACK })
      expect(juliet.inbox.map(String).join()).toContain('<reset ')
      const back = await Wired.open(node.port)
      await back.authenticate('juliet')
      expect((await back.resumes(juliet)).name).toBe('failed')
      await back.bind('balcony')
      back.write('<presence/>')
      // It has not acknowledged any.
      await back.hears(body)
      expect(performance.now() - harmed).toBeLessThan(BACK)
      await back.pings()
      back.leave()
      await pair.begins()
      await pair.goesOn()
    }

    test('Redis is emptied: sessions end at once, messages do not', async () => {
      await losesSessions(() => redis.say('FLUSHALL'))
      expect(node.complaints(/lost changes that it had confirmed/)).toHaveLength(1)
    })

    test('Redis is rolled back to an earlier state: the same', async () => {
      redis.remember()
      await losesSessions(async () => {
        await redis.kill()
        redis.rollBack()
        await redis.start()
      })
      expect(node.complaints(/lost changes that it had confirmed/)).toHaveLength(2)
    })
  })
}
