import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ScratchDatabase, scratchDatabase } from '@parley/store'
import pg from 'pg'
import { eventually } from '../../interop/eventually.ts'
import { Node, Passage } from './machines.ts'
import { BACK, Pair } from './pair.ts'
import { Wired } from './wired.ts'

/** What floods that meet a server without its database may cost it (MiB). */
const GROWTH = 200
const FLOODERS = 60
/** Enough that more waits than the server keeps for its database. */
const FLOOD = 300

describe('PostgreSQL misbehaves', () => {
  let passage: Passage
  let database: ScratchDatabase
  let admin: pg.Client
  let node: Node
  let pair: Pair

  beforeAll(async () => {
    database = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
    admin = new pg.Client({ connectionString: database.url })
    await admin.connect()
    const way = await Passage.toDatabase(database.url)
    passage = way.passage
    node = await Node.open({ PARLEY_DATABASE: way.url })
    pair = await Pair.of(node)
  })
  afterAll(async () => {
    pair?.leaves()
    await node?.remove()
    passage?.close()
    await admin?.end()
    await database?.drop()
  })

  test('the database is away: nothing is acknowledged, what needs no row goes on, and the log says so once', async () => {
    await pair.isPromisedNothing(
      () => (passage.weather = 'cut'),
      () => (passage.weather = 'open'),
      async () => {
        expect(await pair.juliet.pings()).toBeLessThan(1000)
        const note = '<query xmlns="jabber:iq:private"><note xmlns="urn:test:note"/></query>'
        expect((await pair.juliet.asks('set', note)).child('error')?.attrs['type']).toBe('wait')
      },
    )
    expect(node.complaints(/^The message log cannot be written, trying again/)).toHaveLength(1)
  })

  test('the network to it swallows everything: the same', async () => {
    await pair.isPromisedNothing(
      () => (passage.weather = 'held'),
      () => (passage.weather = 'open'),
    )
  })

  test('it is slow: all goes on, slowly', async () => {
    passage.weather = 100
    await pair.goesOn()
    passage.weather = 'open'
    await pair.goesOn()
  })

  test('somebody holds a lock: the same as away', async () => {
    await pair.isPromisedNothing(
      () => admin.query('BEGIN; LOCK TABLE message_log IN ACCESS EXCLUSIVE MODE'),
      () => admin.query('COMMIT'),
    )
  })

  test('its disk is full: the same, and the log says why', async () => {
    await pair.isPromisedNothing(
      () =>
        admin.query(`CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
          CREATE TRIGGER no_room BEFORE INSERT ON message_log EXECUTE FUNCTION no_room()`),
      () => admin.query('DROP FUNCTION no_room CASCADE'),
    )
    expect(node.complaints(/trying again: could not extend file: No space left on device/)).toHaveLength(1)
  })

  test('it is away and everybody goes on sending: what does not fit is refused for now, and memory stays', async () => {
    const names = Array.from({ length: FLOODERS }, (_, n) => `flood${n}`)
    await node.users(...names)
    const flooders = await Promise.all(names.map(name => Wired.join(node.port, `${name}/attic`)))
    const before = node.memory
    passage.weather = 'cut'
    const filling = 'x'.repeat(1000)
    for (const [at, flooder] of flooders.entries()) {
      const { jid } = flooders[(at + 1) % FLOODERS]!
      for (let n = 0; n < FLOOD; n++) flooder.says(jid, filling, `m${n}`)
    }
    const refusals = () => flooders.flatMap(({ inbox }) => inbox.filter(({ attrs }) => attrs['type'] === 'error'))
    await eventually('somebody hears that there is no room', () => refusals().length > 0)
    expect(node.memory - before).toBeLessThan(GROWTH)
    passage.weather = 'open'
    const opened = performance.now()
    const newcomer = await Wired.join(node.port, 'romeo/attic')
    await newcomer.pings()
    expect(performance.now() - opened).toBeLessThan(BACK)
    newcomer.leave()
    for (const flooder of flooders) await flooder.pings()
    // Everything was either taken or refused for now.
    expect(refusals().filter(error => error.child('error')?.attrs['type'] !== 'wait')).toEqual([])
    expect(refusals().map(String).join()).toContain('<resource-constraint ')
    const taken = flooders.flatMap(({ inbox }) => inbox.filter(({ attrs }) => attrs['type'] === 'chat'))
    expect(taken.length + refusals().length).toBe(FLOODERS * FLOOD)
    for (const flooder of flooders) flooder.leave()
    await pair.goesOn()
  })
})
