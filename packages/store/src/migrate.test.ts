import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { temporaryFolder } from './contract/drivers.ts'
import { type Migration, migrate, readMigrations } from './migrate.ts'
import { type ScratchCluster, scratchDatabase, startScratchCluster } from './scratch.ts'

describe('migrations', () => {
  let data: string
  let cluster: ScratchCluster
  let admin: pg.Client
  const clients: pg.Client[] = []
  let database = 0

  const connect = async () => {
    const url = new URL(cluster.adminUrl)
    url.pathname = `/m${database}`
    const client = new pg.Client(url.href)
    await client.connect()
    clients.push(client)
    return client
  }
  const step = (version: number, text: string, sha256 = `sum of ${text}`): Migration => ({
    version,
    name: `00${version}_step.sql`,
    text,
    sha256,
  })
  const steps = [step(1, 'CREATE TABLE a (n int)'), step(2, 'ALTER TABLE a ADD m int; INSERT INTO a VALUES (1, 2)')]

  beforeAll(async () => {
    data = await temporaryFolder()
    cluster = await startScratchCluster(data)
    admin = new pg.Client(cluster.adminUrl)
    await admin.connect()
  })
  beforeEach(async () => {
    await admin.query(`CREATE DATABASE m${++database}`)
  })
  afterAll(async () => {
    await Promise.all([admin, ...clients].map(client => client.end()))
    await cluster.stop()
    await rm(data, { recursive: true, force: true })
  })

  test('those that are missing are applied, once', async () => {
    const client = await connect()
    expect(await migrate(client, steps.slice(0, 1))).toEqual([1])
    expect(await migrate(client, steps)).toEqual([2])
    expect(await migrate(client, steps)).toEqual([])
    expect((await client.query('SELECT * FROM a')).rows).toEqual([{ n: 1, m: 2 }])
  })

  test('servers that start together wait for each other', async () => {
    const [a, b, c] = [await connect(), await connect(), await connect()]
    const applied = await Promise.all([a, b, c].map(client => migrate(client, steps)))
    expect(applied.flat().sort()).toEqual([1, 2])
  })

  test('one that fails changes nothing and names its file', async () => {
    const client = await connect()
    const broken = step(2, 'INSERT INTO a VALUES (1); SELECT nonsense')
    await expect(migrate(client, [steps[0]!, broken])).rejects.toThrow(/^Migration 002_step\.sql failed: .*nonsense/)
    expect((await client.query('SELECT * FROM a')).rows).toEqual([])
    expect(await migrate(client, steps)).toEqual([2])
  })

  test('a file that has changed since, and a schema from the future, are refused', async () => {
    const client = await connect()
    await migrate(client, steps)
    const changed = [step(1, 'CREATE TABLE a (n bigint)'), steps[1]!]
    await expect(migrate(client, changed)).rejects.toMatchObject({
      code: 'schema',
      message: expect.stringContaining('001_step.sql has changed'),
    })
    await expect(migrate(client, steps.slice(0, 1))).rejects.toMatchObject({
      code: 'schema',
      message: expect.stringContaining('schema version 2'),
    })
  })

  test('our own files are in sequence, and a gap is noticed', async () => {
    const own = await readMigrations()
    expect(own.map(({ version }) => version)).toEqual(own.map((_, index) => index + 1))
    const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
    try {
      await writeFile(join(folder, '001_one.sql'), '')
      await writeFile(join(folder, '003_three.sql'), '')
      await expect(readMigrations(pathToFileURL(`${folder}/`))).rejects.toMatchObject({ code: 'schema' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('a scratch database has the schema, and is one of its own', async () => {
    const [one, two] = [await scratchDatabase(cluster.adminUrl), await scratchDatabase(cluster.adminUrl)]
    expect(one.url).not.toBe(two.url)
    const client = new pg.Client(one.url)
    await client.connect()
    expect(await migrate(client, await readMigrations())).toEqual([])
    await client.end()
    await Promise.all([one.drop(), two.drop()])
    const { rowCount } = await admin.query("SELECT 1 FROM pg_database WHERE datname LIKE 'parley_test_%'")
    expect(rowCount).toBe(0)
  })
})
