import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { temporaryFolder } from './contract/drivers.ts'
import { entry } from './contract/messages.ts'
import { openStore } from './open.ts'
import { type ScratchCluster, scratchDatabase, startScratchCluster } from './scratch.ts'

describe('a given server', () => {
  let data: string
  let cluster: ScratchCluster
  let admin: pg.Client
  beforeAll(async () => {
    data = await temporaryFolder()
    cluster = await startScratchCluster(data)
    admin = new pg.Client(cluster.adminUrl)
    await admin.connect()
  })
  afterAll(async () => {
    await admin.end()
    await cluster.stop()
    await rm(data, { recursive: true, force: true })
  })

  test.each([
    ['not a URL: hunter2', 'unsupported'],
    ['postgres://parley:hunter2@127.0.0.1:1/parley', 'unavailable'],
    ['postgres://parley:hunter2@nowhere.invalid/parley', 'unavailable'],
  ])('that cannot be used is refused without showing the password: %s', async (url, code) => {
    const error: unknown = await openStore({ url, data }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code })
    expect((error as Error).message).not.toContain('hunter2')
  })

  test('is described without the password', async () => {
    const { url, drop } = await scratchDatabase(cluster.adminUrl)
    const store = await openStore({ url: url.replace('postgres@', 'postgres:hunter2@'), data })
    expect(store.kind).toBe('postgresql')
    expect(store.description).toMatch(/^PostgreSQL 18\.\d+, the database parley_test_/)
    expect(store.description).not.toContain('hunter2')
    await expect(store.wipe()).rejects.toMatchObject({ code: 'unsupported' })
    await store.close()
    await drop()
  })

  test('in another encoding than UTF-8 is refused', async () => {
    await admin.query(`CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'`)
    const url = cluster.adminUrl.replace(/postgres$/, 'latin')
    await expect(openStore({ url, data })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('LATIN1'),
    })
  })

  test('is shared by many, each with a node number of its own', async () => {
    const { url, drop } = await scratchDatabase(cluster.adminUrl)
    const now = Date.now()
    const complaints: string[] = []
    const log = (_level: string, text: string) => complaints.push(text)
    const stores = await Promise.all([1, 2, 3].map(() => openStore({ url, data, clock: () => now, log })))
    expect(complaints).toEqual([])
    const ids = stores.map(store => store.messages.nextId())
    expect(new Set(ids).size).toBe(3)
    await Promise.all(stores.map(store => store.close()))
    await drop()
  })

  test('belongs to one where that is asked for; who loses it to another stops writing', async () => {
    const { url, drop } = await scratchDatabase(cluster.adminUrl)
    const lines: string[] = []
    const first = await openStore({ url, data, exclusive: true, log: (_, text) => void lines.push(text) })
    await expect(openStore({ url, data, exclusive: true })).rejects.toMatchObject({ code: 'in-use' })

    // Cut the first one off, and let the rival take the lock before it is back.
    const rival = new pg.Client({ connectionString: url, application_name: 'a rival' })
    await rival.connect()
    const taking = rival.query(
      `SELECT pg_advisory_lock(classid::bigint::int, objid::bigint::int) FROM pg_locks WHERE locktype = 'advisory' AND objid::bigint = 2`,
    )
    await untilBlocked(admin)
    await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid::bigint = 2 AND granted`,
    )
    await taking
    const refused = await untilRefused(() => first.accounts.count('example.org'))
    expect(refused).toMatchObject({ code: 'in-use', message: expect.stringContaining('a rival') })
    await expect(first.messages.append([entry('a@b')])).rejects.toMatchObject({ code: 'in-use' })
    await expect(first.removeAccount('a@b')).rejects.toMatchObject({ code: 'in-use' })
    expect(lines.join('\n')).toContain('a rival')
    await first.close()
    await rival.end()
    await drop()
  })
})

async function untilBlocked(admin: pg.Client): Promise<void> {
  for (;;) {
    const { rowCount } = await admin.query(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)
    if (rowCount === 1) return
  }
}

async function untilRefused(call: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    const failure: unknown = await call().then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (failure !== undefined) return failure
  }
}
