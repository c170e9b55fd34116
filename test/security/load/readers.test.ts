import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ScratchDatabase, scratchDatabase } from '@parley/store'
import { eventually } from '../../interop/eventually.ts'
import { Node, OwnRedis } from './machines.ts'
import { Wired } from './wired.ts'

/** What a client that does not read may cost (MiB): what waits for it, and the heap that has seen the flood go by. */
const GROWTH = 120

suite('memory')
if (process.env['PARLEY_TEST_REDIS']) suite('Redis')
else test.todo('clients that do not read, on Redis: needs Redis')

function suite(driver: 'memory' | 'Redis'): void {
  describe(`clients that do not read [${driver}]`, () => {
    let redis: OwnRedis | undefined
    let database: ScratchDatabase
    let node: Node
    let romeo: Wired
    let juliet: Wired

    beforeAll(async () => {
      if (driver === 'Redis') redis = await OwnRedis.open()
      database = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
      node = await Node.open({ PARLEY_DATABASE: database.url, ...(redis && { PARLEY_REDIS: redis.url }) })
      await node.users('romeo', 'juliet')
      juliet = await Wired.join(node.port, 'juliet/sofa')
    })
    afterAll(async () => {
      romeo?.leave()
      juliet?.leave()
      await node?.remove()
      await redis?.remove()
      await database?.drop()
    })

    /** Romeo counts, is there, and reads nothing from now on. */
    async function stopsReading(): Promise<void> {
      romeo = await Wired.join(node.port, 'romeo/orchard')
      await romeo.counts()
      romeo.write('<presence/>')
      await romeo.pings()
      romeo.inbox.length = 0
      romeo.socket.pause()
    }

    /** Juliet says so much to that session; gives how many of it were refused. */
    async function floods(count: number, body: string): Promise<number> {
      for (let n = 0; n < count; n++) juliet.says(romeo.jid, body, `m${n}`)
      await juliet.pings()
      return juliet.inbox.splice(0).filter(({ attrs }) => attrs['type'] === 'error').length
    }

    test('threat 164: one that stops reading goes on elsewhere with all that it missed, more than goes down a wire at once', async () => {
      await stopsReading()
      expect(await floods(800, 'x'.repeat(9000))).toBe(0)
      const back = await Wired.open(node.port)
      await back.authenticate('romeo')
      expect((await back.resumes(romeo)).name).toBe('resumed')
      await back.pings()
      expect(back.unheard).toHaveLength(800)
      const ids = back.inbox.flatMap(({ name, attrs }) => (name === 'message' ? [attrs['id']] : []))
      expect(ids).toEqual(Array.from({ length: 800 }, (_, n) => `m${n}`))
      back.write('</stream:stream>')
      await eventually('the session is over', () => !back.isOpen)
    })

    test('threat 163: one that is flooded and does not read loses its session, and memory stays', async () => {
      await stopsReading()
      const before = node.memory
      const refused = await floods(20_000, 'x'.repeat(500))
      expect(node.memory - before).toBeLessThan(GROWTH)
      // The queue took what it takes; then nobody was there, and the room for that is bounded too.
      expect(refused).toBeGreaterThan(10_000)
      romeo.socket.resume()
      await eventually('its connection is closed', () => !romeo.isOpen)
    })
  })
}
