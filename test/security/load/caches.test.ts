import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, jest, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import { FakeClock, type StagedServer, scenario } from '@parley/testkit'
import { Throttle } from '@xmpp/server-core'
import { Directory } from '../../../packages/live/src/redis/directory.ts'
import { LoginGuard } from '../../../packages/modules/src/login-guard.ts'

/** More than any cache holds; so many more must cost nothing. */
const KEYS = process.env['PARLEY_FUZZ'] === 'full' ? 1_000_000 : 60_000
const ACCOUNTS = process.env['PARLEY_FUZZ'] === 'full' ? 200_000 : 21_000
/** What the heap may differ by without anything that grows: entries of a cache differ in size (MiB). */
const NOISE = 6

jest.setTimeout(600_000)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

async function heap(): Promise<number> {
  await new Promise(resolve => setImmediate(resolve))
  collect()
  return process.memoryUsage().heapUsed / (1 << 20)
}

/** How much the heap grows while keys come that were never there, once all caches are full (MiB). */
async function growth(count: number, use: (from: number, to: number) => unknown): Promise<number> {
  await use(0, count)
  const full = await heap()
  await use(count, 2 * count)
  return (await heap()) - full
}

const each = (task: (n: number) => unknown) => (from: number, to: number) => {
  for (let n = from; n < to; n++) task(n)
}

describe('keys that peers choose', () => {
  test('threat 176: the measure sees what is kept', async () => {
    // An entry of any cache is as large, at least.
    const kept = new Map<string, readonly number[]>()
    expect(
      await growth(
        KEYS,
        each(n => kept.set(`user${n}@a.test`, new Array<number>(16).fill(n))),
      ),
    ).toBeGreaterThan(NOISE)
  })

  test('threat 176: addresses', async () => {
    expect(
      await growth(
        KEYS,
        each(n => Jid.parse(`user${n}@domain${n}.test/resource${n}`)),
      ),
    ).toBeLessThan(NOISE)
  })

  test('threat 176: networks from which connections come', async () => {
    const throttle = new Throttle(new FakeClock(), 10)
    expect(
      await growth(
        KEYS,
        each(n => throttle.take(`2001:db8:${n}::/64`)),
      ),
    ).toBeLessThan(NOISE)
  })

  test('threat 176: places and names of those who log in, and who fail to', async () => {
    const guard = new LoginGuard(new FakeClock(), 10, () => {})
    const use = each(n => {
      guard.failed(`192.0.2.${n}`, `user${n}`)
      guard.succeeded(`198.51.100.${n}`, `other${n}`)
      guard.heard(`no\nplace${n}\nname${n}`)
      guard.heard(`in\nplace${n}\nname${n}`)
    })
    expect(await growth(KEYS / 2, use)).toBeLessThan(NOISE)
  })

  test('threat 176: accounts whose sessions a process remembers, there or not, and those that could not be read', async () => {
    const directory = new Directory(() => false)
    const entry = JSON.stringify({ presence: { priority: 0, show: '', xml: '', since: 0 } })
    const use = async (from: number, to: number) => {
      for (let n = from; n < to; n++) {
        const bare = `user${n}@a.test`
        const fields = n % 2 ? [] : ['#', '1', `sid${n}`, `node\nresource\n${entry}`]
        await directory.load(bare, async () => fields)
        await directory.load(`lost${n}@a.test`, () => Promise.reject(new Error('away'))).catch(() => undefined)
        directory.told(`stranger${n}@a.test\n1\n2\nsid${n}\nnode\nresource\n${entry}`)
      }
    }
    expect(await growth(KEYS, use)).toBeLessThan(NOISE)
  })
})

/** The database has every account, and nothing in them: what is measured is what the server keeps of that. */
function everybodyExists({ store }: StagedServer): void {
  const since = { created: new Date(0), lastLogin: undefined, disabled: false }
  // No spies: they would keep every call.
  Object.assign(store.accounts, { get: async () => since })
  Object.assign(store.rosters, { load: async () => ({ version: '0', items: [] }) })
  Object.assign(store.messages, { owedCount: async () => 0, append: async (all: unknown[]) => all.map(() => 1n) })
}

scenario('threat 176: accounts that are written to, domains, and capabilities', async ({ server }) => {
  const stage = await server('a.test')
  const [mallory] = await stage.connect('mallory/cellar')
  everybodyExists(stage)
  const use = async (from: number, to: number) => {
    for (let n = from; n < to; ) {
      let xml = ''
      for (const end = Math.min(to, n + 200); n < end; n++) {
        xml += `<message to="user${n}@a.test"><body>x</body></message>`
        if (n % 10 > 0) continue
        xml += `<presence to="user${n}@a.test"/><message to="x@domain${n}.test"><body>x</body></message>`
        xml += `<presence><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="x" ver="${n}"/></presence>`
      }
      mallory.client.write(xml)
      await mallory.fence()
      mallory.client.inbox.length = 0
    }
  }
  expect(await growth(ACCOUNTS, use)).toBeLessThan(NOISE)
})
