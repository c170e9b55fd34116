import { accountStore } from './accounts.ts'
import { Database } from './database.ts'
import { startEngine } from './engine/engine.ts'
import { erase, wipe } from './erase.ts'
import { StoreError } from './errors.ts'
import { fastTokens } from './fast.ts'
import { gatewayStore } from './gateways.ts'
import { groupStore } from './groups.ts'
import { APPLICATION, Guard } from './guard.ts'
import { ArchiveIds, idTime } from './ids.ts'
import { inviteStore } from './invites.ts'
import { clientConfig, Link, type Target } from './link.ts'
import { messageLog } from './log.ts'
import { maintain, makePartitions } from './maintain.ts'
import { mapStore } from './maps.ts'
import { migrate, readMigrations } from './migrate.ts'
import { pubsubStore } from './pubsub-store.ts'
import { rosterStore } from './rosters.ts'
import { secretStore } from './secrets.ts'
import { sql } from './sql.ts'
import type { Log, Store, StoreOptions } from './store.ts'
import { Sweeper } from './sweeper.ts'
import { archiveWords } from './words.ts'
import { LogWriter } from './writer.ts'

const POOL = 4

const ping = sql('health', 'SELECT 1')
const largestId = sql<{ id: bigint | null }>('largest-id', 'SELECT max(id) AS id FROM message_log')

/** The server behind a store, and what it takes to keep it. */
interface Server {
  readonly kind: Store['kind']
  readonly place: string
  readonly target: Target
  revive(): Promise<void>
  stop(): Promise<void>
}

/**
 * Opens the store: starts the embedded engine or connects to the given server, takes the locks, brings the schema up
 * to date. Rejects with a {@link StoreError} whose text tells the operator what to do.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { log = () => {}, clock = Date.now } = options
  const server = options.url === undefined ? await embeddedServer(options, log) : givenServer(options.url)
  const ids = new ArchiveIds(clock)
  const writing = new Link(clientConfig(server.target, APPLICATION))
  const db = new Database(server.target, APPLICATION, options.poolSize ?? POOL)
  const guard = new Guard({
    target: server.target,
    exclusive: options.exclusive ?? server.kind === 'embedded',
    place: server.place,
    log,
    revive: server.revive,
    onNode: node => {
      ids.node = node
    },
    onLost: reason => {
      log('error', reason.message)
      writing.bar(reason)
      db.bar(reason)
    },
  })
  let version: string | undefined
  let newest = 0n
  try {
    version = await guard.open()
    const applied = await migrate(guard.client, await readMigrations())
    if (applied.length > 0) log('info', `Database schema brought to version ${applied.at(-1)}`)
    await makePartitions(db, clock(), log)
    newest = (await db.row(largestId))?.id ?? 0n
    ids.startAfter(newest)
  } catch (error) {
    await Promise.all([db.close(), guard.close()])
    // An engine that refused us serves another process: its owner stops it, not we.
    if (version !== undefined) await server.stop()
    throw error
  }
  return assemble(options, {
    server,
    guard,
    db,
    writer: new LogWriter(writing, ids, clock, log),
    ids,
    newest,
    version,
    log,
    clock,
  })
}

interface Parts {
  readonly server: Server
  readonly guard: Guard
  readonly db: Database
  readonly writer: LogWriter
  readonly ids: ArchiveIds
  readonly newest: bigint
  readonly version: string
  readonly log: Log
  readonly clock: () => number
}

function assemble(options: StoreOptions, parts: Parts): Store {
  const { server, guard, db, writer, ids, newest, version, log, clock } = parts
  const sweeper = new Sweeper(db, log)
  let closing: Promise<void> | undefined
  const close = async () => {
    await writer.close()
    await sweeper.close()
    await db.close()
    await guard.close()
    await server.stop()
  }
  return {
    kind: server.kind,
    description: `PostgreSQL ${version}, ${server.place}`,
    accounts: accountStore(db, clock),
    rosters: rosterStore(db, clock),
    messages: messageLog(db, ids, writer, sweeper),
    resumedFrom: newest === 0n ? undefined : idTime(newest),
    words: archiveWords(db),
    maps: mapStore(db),
    pubsub: pubsubStore(db, clock),
    secrets: secretStore(db),
    groups: groupStore(db),
    gateways: gatewayStore(db, clock),
    tokens: { fast: fastTokens(db, clock), invites: inviteStore(db, clock) },
    async health() {
      const began = performance.now()
      await db.rows(ping)
      return performance.now() - began
    },
    stats: () => writer.stats,
    maintain: () => maintain(db, clock(), log),
    async removeAccount(owner, reserve = 0) {
      // What is still queued for the owner would otherwise arrive after the deletion.
      await writer.flush()
      await sweeper.flush()
      await erase(db, owner, clock() + reserve)
    },
    async wipe() {
      if (options.fsync !== false) throw new StoreError('unsupported', 'Only a store for tests can be wiped')
      await writer.flush()
      await wipe(db)
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}

async function embeddedServer({ data, fsync = true }: StoreOptions, log: Log): Promise<Server> {
  const engine = await startEngine(data, log, fsync)
  return {
    kind: 'embedded',
    place: `the data folder ${engine.folder}`,
    target: engine.target(),
    revive: () => engine.ensureRunning(),
    stop: () => engine.stop(),
  }
}

function givenServer(url: string): Server {
  const done = () => Promise.resolve()
  return { kind: 'postgresql', place: describeUrl(url), target: { connectionString: url }, revive: done, stop: done }
}

/** Host and database of the URL; whatever else it holds may be a secret. */
function describeUrl(url: string): string {
  if (!URL.canParse(url))
    throw new StoreError(
      'unsupported',
      'The database URL is not valid: postgres://user:password@host:5432/database is expected',
    )
  const { host, pathname } = new URL(url)
  return `the database ${decodeURIComponent(pathname.slice(1))} on ${decodeURIComponent(host)}`
}
