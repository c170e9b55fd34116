import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Store } from '@parley/store'
import { closeStore, DnsServer, emptyStore, FakeClock } from '@parley/testkit'
import { Front } from '../wire/front.ts'
import { away, bodiesIn, Citizen, confirming } from './mantua.ts'
import { honest, Rival } from './rival.ts'

const JULIET = 'juliet@mantua.test'
const WAY = '/verona.test/mantua.test'

let dns: DnsServer
let mantua: Rival
let clock: FakeClock
let store: Store
/** Two nodes of one server. */
let east: Front
let west: Front

const url = process.env['PARLEY_TEST_REDIS']
if (url) suite(url)
else test.todo('one owner of each way to another domain: needs Redis')

function suite(redis: string): void {
  beforeAll(async () => {
    dns = await DnsServer.start()
    mantua = await Rival.open()
    dns.srv('_xmpp-server._tcp.mantua.test', { port: mantua.port, target: 'host.test' })
    dns.a('host.test', '127.0.0.1')
  })
  beforeEach(async () => {
    mantua.forget()
    mantua.manner = confirming
    // Ids of the log never go back.
    clock = new FakeClock((clock?.now() ?? Date.now()) + 1000)
    store = await emptyStore(() => clock.now())
    const prefix = `test:${randomUUID()}:`
    const open = () =>
      Front.open(
        {
          domains: ['verona.test'],
          federation: { dns: [dns.address], allow: ['127.0.0.0/8'], tls: 'optional' },
        },
        { clock, store, redis: { url: redis, prefix } },
      )
    east = await open()
    west = await open()
  })
  afterEach(async () => {
    await east.close()
    await west.close()
  })
  afterAll(async () => {
    await closeStore()
    await mantua.close()
    await dns.stop()
  })

  describe('two nodes', () => {
    test('one of them has the link, the other one passes on to it, in order', async () => {
      const [romeo, paris] = [await Citizen.join(east, 'romeo'), await Citizen.join(west, 'paris')]
      romeo.says(JULIET, '1')
      await east.until(() => received().length === 1)
      const numbers = Array.from({ length: 200 }, (_, n) => `${n + 2}`)
      paris.says(JULIET, ...numbers)
      await paris.isAnsweredFor(200)
      await east.until(() => received().length === 201)
      expect(received()).toEqual(['1', ...numbers])
      expect([...west.federation!.links]).toEqual([])
      expect([...west.federation!.elsewhere]).toMatchObject([{ node: east.server.live.node }])
      expect(mantua.sockets.size).toBe(1)
      await nothingIsOwed()
    })

    test('what cannot be delivered is answered, whichever node its sender is on', async () => {
      mantua.manner = away
      const [romeo, paris] = [await Citizen.join(east, 'romeo'), await Citizen.join(west, 'paris')]
      romeo.client.write(`<iq type="get" id="r" to="${JULIET}"><query xmlns="urn:example"/></iq>`)
      expect(await romeo.hearsErrors(1)).toEqual(['r remote-server-timeout'])
      paris.client.write(`<iq type="get" id="p" to="${JULIET}"><query xmlns="urn:example"/></iq>`)
      expect(await paris.hearsErrors(1)).toEqual(['p remote-server-timeout'])
      await nothingIsOwed()
    })

    test('a node that stops in order gives its ways away', async () => {
      mantua.manner = away
      const romeo = await Citizen.join(east, 'romeo')
      romeo.says(JULIET, '1', '2')
      await romeo.isAnsweredFor(2)
      await east.until(() => [...east.federation!.links][0]?.state === 'resting')
      await east.close({ abruptly: false })
      mantua.manner = confirming
      const paris = await Citizen.join(west, 'paris')
      paris.says(JULIET, '3')
      await west.until(() => received().length === 3)
      expect(received()).toEqual(['1', '2', '3'])
      await nothingIsOwed()
    })

    test('a node that dies leaves its ways to whoever has something to send', async () => {
      mantua.manner = honest
      const [romeo, paris] = [await Citizen.join(east, 'romeo'), await Citizen.join(west, 'paris')]
      romeo.says(JULIET, '1')
      await romeo.isAnsweredFor(1)
      paris.says(JULIET, '2')
      await east.until(() => received().length === 2)
      mantua.manner = away
      await east.die()
      mantua.forget()
      mantua.manner = confirming
      paris.says(JULIET, '3')
      await west.until(() => received().length === 3)
      // Nobody knows whether the peer had handled the first two.
      expect(received()).toEqual(['1', '2', '3'])
      await nothingIsOwed()
    })

    test('and when nobody has anything to send, what it had is found', async () => {
      mantua.manner = away
      const romeo = await Citizen.join(east, 'romeo')
      romeo.says(JULIET, '1')
      await romeo.isAnsweredFor(1)
      await east.die()
      mantua.manner = confirming
      for (let n = 0; n < 60 && received().length === 0; n++) {
        clock.advance(1000)
        // Redis and the database answer in real time.
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      expect(received()).toEqual(['1'])
      await nothingIsOwed()
    })
  })
}

const received = () => bodiesIn(mantua.text)

/** No row is left, when the peer has been asked what it has handled. */
async function nothingIsOwed(): Promise<void> {
  for (let tries = 0; tries < 200 && (await store.messages.owedCount(WAY)) > 0; tries++) {
    clock.advance(600)
    await new Promise(resolve => setImmediate(resolve))
    await store.messages.flush()
  }
  expect(await store.messages.owedCount(WAY)).toBe(0)
}
