import { createHash, randomBytes } from 'node:crypto'
import pg, { type Client } from 'pg'
import { startEngine } from './engine/engine.ts'
import { lockClass, TEMPLATE_LOCK } from './locks.ts'
import { migrate, readMigrations } from './migrate.ts'
import type { Log } from './store.ts'

/** An engine for tests, without fsync. */
export interface ScratchCluster {
  /** For {@link scratchDatabase}. */
  readonly adminUrl: string
  stop(): Promise<void>
}

export interface ScratchDatabase {
  /** For `openStore({ url, fsync: false })`. */
  readonly url: string
  drop(): Promise<void>
}

/** Starts an engine below `data` once for many tests. It does not look after itself: stop it when done. */
export async function startScratchCluster(data: string, log: Log = () => {}): Promise<ScratchCluster> {
  const engine = await startEngine(data, log, false)
  const { host, user, port } = engine.target()
  return {
    adminUrl: `postgres://${user}@${encodeURIComponent(String(host))}:${port}/postgres`,
    stop: () => engine.stop(),
  }
}

/** Makes a migrated, empty database on a server where that is allowed: a copy of a template made by the first call. */
export async function scratchDatabase(adminUrl: string): Promise<ScratchDatabase> {
  const name = `parley_test_${randomBytes(6).toString('hex')}`
  await withClient(adminUrl, async admin => {
    await admin.query('SELECT pg_advisory_lock($1, $2)', [lockClass, TEMPLATE_LOCK])
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${await template(admin, adminUrl)}`)
  })
  return {
    url: withDatabase(adminUrl, name),
    drop: () =>
      withClient(adminUrl, async admin => void (await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))),
  }
}

/** The template's name, after its migrations; the caller holds the lock. */
async function template(admin: Client, adminUrl: string): Promise<string> {
  const migrations = await readMigrations()
  const digest = createHash('sha256')
    .update(migrations.map(({ sha256 }) => sha256).join())
    .digest('hex')
  const name = `parley_template_${digest.slice(0, 12)}`
  const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate', [name])
  if (rowCount === 1) return name
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  await admin.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`)
  await withClient(withDatabase(adminUrl, name), client => migrate(client, migrations))
  await admin.query(`ALTER DATABASE ${name} IS_TEMPLATE true`)
  return name
}

async function withClient<T>(connectionString: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}
