import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { keysOf } from './contract/accounts.ts'
import { drivers, fresh, freshHost, type Opened } from './contract/drivers.ts'
import { entry } from './contract/messages.ts'
import { OTHER_TABLES, OWNED_TABLES } from './erase.ts'
import { firstIdAt } from './ids.ts'
import { openStore } from './open.ts'
import { startScratchCluster } from './scratch.ts'
import type { Store, StoreOptions } from './store.ts'

const DAY = 86_400_000

/** The server behind a store; the embedded engine is running already. */
async function urlOf({ url, data }: StoreOptions): Promise<string> {
  return url ?? (await startScratchCluster(data)).adminUrl
}

/** A plain connection to the database behind a store. */
async function look(options: StoreOptions): Promise<pg.Client> {
  const client = new pg.Client(await urlOf(options))
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** One row, at least, in every table that has an owner. */
async function populate(store: Store, owner: string): Promise<void> {
  await store.words.add(owner, { after: -1n, upto: 1n }, new Set(['soft']))
  const { accounts, rosters, messages, maps, pubsub, groups, tokens, gateways } = store
  const host = owner.slice(owner.indexOf('@') + 1)
  await accounts.create(owner, [keysOf('SCRAM-SHA-256')])
  await rosters.put(owner, {
    contact: 'a@x',
    listed: true,
    groups: [],
    subscription: 'none',
    ask: false,
    approved: false,
  })
  await messages.append([entry(owner, { owed: true })], { smId: owner, owner, k: 1, outbox: true })
  await maps.map('any').set(owner, 'key', 1)
  await pubsub.change(owner, 'urn:x', [], () => ({
    create: { config: {}, max: 1 },
    publish: { id: 'a', publisher: owner, payload: '<x/>', published: 1 },
    affiliations: new Map([['b@x', 'member']]),
    subscribe: [{ jid: 'b@x', subid: 's', state: 'subscribed', options: {} }],
  }))
  await gateways.queue({ owner, provider: 'irc' }, { key: 'a', expires: Date.now(), message: '{}' })
  await gateways.addId({ owner, provider: 'irc' }, { peer: 'x', native: 'n', stanza: 's' })
  await groups.put({ host, name: 'team', display: 'Team', sharedRoster: true })
  await groups.addMember(host, 'team', owner)
  await tokens.fast.issue(owner, 'phone', {
    mechanism: 'HT-SHA-256-NONE',
    secret: Buffer.alloc(24),
    expires: Date.now() + DAY,
  })
  await tokens.invites.create(`by ${owner}`, { owner, host, kind: 'contact', expires: Date.now() + DAY, uses: 1 })
  await tokens.invites.create(`for ${owner}`, {
    owner: host,
    host,
    kind: 'reset',
    subject: owner,
    expires: Date.now() + DAY,
    uses: 1,
  })
}

describe.each([...drivers])('$name', driver => {
  let opened: Opened
  let sql: pg.Client
  let now = Date.now()
  beforeAll(async () => {
    opened = await driver.open({ clock: () => now })
    sql = await look(opened.options)
  })
  afterAll(async () => {
    await sql.end()
    await opened.close()
  })

  const tablesWithOwner = async () => {
    const { rows } = await sql.query<{ table_name: string; owned: boolean }>(
      `SELECT t.table_name, bool_or(c.column_name = 'owner') AS owned FROM information_schema.tables t
       JOIN information_schema.columns c USING (table_schema, table_name)
       WHERE table_schema = current_schema() AND t.table_name !~ '^message_log_' GROUP BY 1`,
    )
    return rows
  }

  test('every table belongs to an owner, but for those that are known not to', async () => {
    const tables = await tablesWithOwner()
    expect(tables.map(table => table.table_name).sort()).toEqual([...OWNED_TABLES, ...OTHER_TABLES].sort())
    const unowned = tables.filter(({ owned }) => !owned).map(table => table.table_name)
    expect([...unowned, 'departed'].sort()).toEqual([...OTHER_TABLES].sort())
  })

  test('removing an account leaves nothing of it, nothing of others is touched, and the name stays reserved', async () => {
    const { store } = opened
    const host = freshHost()
    const [romeo, juliet] = [`romeo@${host}`, `juliet@${host}`]
    await populate(store, romeo)
    await populate(store, juliet)
    const count = async (owner: string) => {
      const counts: Record<string, number> = {}
      for (const table of OWNED_TABLES) {
        counts[table] = (await sql.query(`SELECT 1 FROM ${table} WHERE owner = $1`, [owner])).rowCount ?? 0
      }
      return counts
    }
    const before = await count(juliet)
    expect(Object.values(await count(romeo)).every(rows => rows > 0)).toBe(true)

    await store.removeAccount(romeo, DAY)
    expect(new Set(Object.values(await count(romeo)))).toEqual(new Set([0]))
    expect(await count(juliet)).toEqual(before)
    expect(await store.tokens.invites.peek(`for ${romeo}`)).toBeUndefined()
    await expect(store.accounts.create(romeo, [])).rejects.toMatchObject({ code: 'account-exists' })
    now += DAY + 1
    await store.accounts.create(romeo, [])
    await store.removeAccount(juliet)
    await store.accounts.create(juliet, [])
  })

  test('a name that is used again never shows an old version of its roster', async () => {
    const { rosters, removeAccount } = opened.store
    const owner = fresh('romeo')
    const item = {
      contact: 'a@x',
      listed: true,
      groups: [],
      subscription: 'none',
      ask: false,
      approved: false,
    } as const
    await rosters.put(owner, item)
    const old = await rosters.put(owner, { ...item, name: 'A' })
    await removeAccount(owner)
    now += 60_000
    await rosters.put(owner, { ...item, contact: 'b@x' })
    expect(await rosters.since(owner, old)).toBeUndefined()
  })

  test('maintenance makes partitions ahead, drops empty old ones and sweeps what has ended', async () => {
    const { store } = opened
    const owner = fresh('romeo')
    await populate(store, owner)
    const version = await store.rosters.put(owner, {
      contact: 'b@x',
      listed: true,
      groups: [],
      subscription: 'none',
      ask: false,
      approved: false,
    })
    await store.rosters.remove(owner, 'a@x')
    const partitions = async () => {
      const { rows } = await sql.query<{ name: string }>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'message_log'::regclass`,
      )
      return rows.map(row => row.name).sort()
    }
    await store.messages.append([entry(owner, { id: firstIdAt(Date.UTC(2036, 4, 5)), stanza: 'ahead' })])
    const first = await partitions()
    expect(first).toHaveLength(4)
    now += 200 * DAY
    await store.maintain()
    const second = await partitions()
    expect(second).toHaveLength(5) // three ahead, the default, and the old one that holds rows
    expect(await store.rosters.since(owner, version)).toBeUndefined()
    expect(await store.messages.smHandled(owner)).toBeUndefined()
    expect(await store.messages.unfinished(owner)).toEqual([])
    expect(
      (
        await sql.query(
          'SELECT 1 FROM fast_token WHERE expires < $1 UNION ALL SELECT 1 FROM invite WHERE expires < $1',
          [now],
        )
      ).rowCount,
    ).toBe(0)
    expect(await store.messages.count(owner, {})).toBe(2)
    await store.messages.append([entry(owner, { stanza: 'in the new partition' })])
    expect((await store.messages.page(owner, { limit: 9 })).map(row => row.stanza)).toEqual([
      '<message/>',
      'in the new partition',
      'ahead',
    ])
    // A month whose rows came before its partition: they stay in the default one and are found as any other.
    now = Date.UTC(2036, 3, 20)
    await store.maintain()
    expect(await store.messages.count(owner, { start: Date.UTC(2036, 0, 1) })).toBe(1)
  })

  test('connections that are cut come back; nothing that was queued is lost', async () => {
    const { store } = opened
    const owner = fresh('romeo')
    await store.messages.append([entry(owner)])
    const waiting = Array.from({ length: 500 }, (_, n) => store.messages.append([entry(owner, { stanza: `${n}` })]))
    await sql.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    )
    await Promise.all(waiting)
    expect(await store.messages.count(owner, {})).toBe(501)
    expect(await store.health()).toBeGreaterThan(0)
    expect(await store.maps.map<number>('any').update(owner, 'n', () => 1)).toBe(1)
  })

  test('ids go on after the largest one when the clock has gone back', async () => {
    const owner = fresh('romeo')
    const [last] = await opened.store.messages.append([entry(owner, { id: opened.store.messages.nextId() })])
    const url = await urlOf(opened.options)
    const second = await openStore({ url, data: '', clock: () => now - 3 * DAY })
    try {
      const ids = [second.messages.nextId(), opened.store.messages.nextId()]
      expect(ids[0]! > last!).toBe(true)
      expect(ids[0]).not.toBe(ids[1])
    } finally {
      await second.close()
    }
  })

  test('wipe empties all tables, in tests only', async () => {
    const { store } = opened
    const owner = fresh('romeo')
    await populate(store, owner)
    await store.wipe()
    for (const { table_name } of await tablesWithOwner()) {
      const { rowCount } = await sql.query(`SELECT 1 FROM ${table_name}`)
      expect([table_name, rowCount]).toEqual([table_name, table_name === 'schema_migration' ? 12 : 0])
    }
    await populate(store, owner)
  })

  test('a closed store refuses', async () => {
    const { store, close } = await driver.open()
    await close()
    await expect(store.messages.append([entry('a@b')])).rejects.toMatchObject({ code: 'closed' })
    await expect(store.accounts.get('a@b')).rejects.toMatchObject({ code: 'closed' })
    await expect(store.wipe()).rejects.toThrow()
    await store.close()
  })
})
