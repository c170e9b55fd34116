import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { access, type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../errors.ts'
import { type Binaries, explainSpawn } from './binaries.ts'
import type { Place } from './place.ts'
import type { EngineUser } from './user.ts'

const MAX_LOG = 8 << 20
const EMPTY_PID_PATIENCE = 5000
/** Of the binaries in package.json; another major version cannot read the files. */
const ENGINE_MAJOR = '18'

/** A small profile: one server with some tens of connections on a machine that has other things to do. */
const SETTINGS = {
  listen_addresses: '',
  port: '5432',
  unix_socket_permissions: '0700',
  max_connections: '40',
  shared_buffers: '32MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '512MB',
  max_parallel_workers_per_gather: '0',
  autovacuum_naptime: '15s',
  jit: 'off',
  io_method: 'sync',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Failed statements may hold what people wrote: neither their text nor their values go to the log.
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
}
/** Safe against the death of processes still, not against that of the machine. */
const UNSAFE = { fsync: 'off', full_page_writes: 'off' }

/** One cluster on disk and the process that serves it. */
export class Cluster {
  readonly place: Place
  readonly #binaries: Binaries
  readonly #user: EngineUser | undefined
  readonly #fsync: boolean

  constructor(place: Place, binaries: Binaries, user: EngineUser | undefined, fsync: boolean) {
    this.place = place
    this.#binaries = binaries
    this.#user = user
    this.#fsync = fsync
  }

  /** Creates the cluster where there is none; true if it did. */
  async create(): Promise<boolean> {
    const { cluster, folder } = this.place
    if (await exists(join(cluster, 'PG_VERSION'))) {
      await this.#checkVersion()
      return false
    }
    // Under another name first: a creation that was cut short is never taken for a database.
    for (const name of await readdir(folder)) {
      const maker = Number(/^new-(\d+)-/.exec(name)?.[1])
      if (maker > 0 && !isAlive(maker)) await rm(join(folder, name), { recursive: true, force: true })
    }
    const draft = join(folder, `new-${process.pid}-${randomBytes(4).toString('hex')}`)
    await this.#initdb(draft)
    return rename(draft, cluster).then(
      () => true,
      async (error: NodeJS.ErrnoException) => {
        await rm(draft, { recursive: true, force: true })
        // Another process that started at the same time was faster: it is the same cluster for both.
        if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return false
        throw error
      },
    )
  }

  /** Starts the server in a session of its own, so that Ctrl-C reaches us and not it. Resolves once it is spawned. */
  async spawn(): Promise<ChildProcess> {
    const { cluster, sockets } = this.place
    await this.#dropStalePid()
    const settings = Object.entries({ ...SETTINGS, ...(!this.#fsync && UNSAFE) })
    const args = ['-D', cluster, '-k', sockets, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    const log = await this.#openLog()
    try {
      const child = spawn(this.#binaries.postgres, args, {
        ...this.#env(),
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      })
      await once(child, 'spawn').catch((error: NodeJS.ErrnoException) => {
        throw explainSpawn(error)
      })
      child.unref()
      return child
    } finally {
      await log.close()
    }
  }

  /** The process that serves the cluster now, if it is one of PostgreSQL's. */
  async pid(): Promise<number | undefined> {
    const text = await readFile(join(this.place.cluster, 'postmaster.pid'), 'utf8').catch(() => '')
    const pid = Number.parseInt(text, 10)
    return pid > 1 && (await this.#isEngine(pid)) ? pid : undefined
  }

  /** The end of the server's log, for an error message. */
  async lastWords(): Promise<string> {
    const text = await readFile(this.place.logFile, 'utf8').catch(() => '')
    return text.trimEnd().split('\n').slice(-5).join('\n')
  }

  async #initdb(target: string): Promise<void> {
    const args = ['-D', target, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--data-checksums']
    args.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C')
    if (!this.#fsync) args.push('--no-sync')
    const child = spawn(this.#binaries.initdb, args, { ...this.#env(), stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < 4000) stderr += text
    })
    const [status] = (await once(child, 'close').catch((error: NodeJS.ErrnoException) => {
      throw explainSpawn(error)
    })) as [number | null]
    if (status === 0) return
    await rm(target, { recursive: true, force: true })
    const full = stderr.includes('No space left on device') ? 'the disk is full' : stderr.trim()
    throw new StoreError('unsupported', `The embedded database cannot be created in ${this.place.folder}: ${full}`)
  }

  async #checkVersion(): Promise<void> {
    const stored = (await readFile(join(this.place.cluster, 'PG_VERSION'), 'utf8')).trim()
    if (stored !== ENGINE_MAJOR) {
      throw new StoreError(
        'unsupported',
        `${this.place.cluster} was written by PostgreSQL ${stored}, the embedded engine is ${ENGINE_MAJOR}: export with the older program and import here`,
      )
    }
  }

  /** After a power cut or in a new container the number in postmaster.pid may be another process'; PostgreSQL would refuse to start. */
  async #dropStalePid(): Promise<void> {
    const file = join(this.place.cluster, 'postmaster.pid')
    const found = await stat(file).catch(() => undefined)
    if (!found || (await this.pid()) !== undefined) return
    // An empty file is that of a server which starts this very moment, or long ago did not get further.
    if (found.size === 0 && Date.now() - found.mtimeMs < EMPTY_PID_PATIENCE) return
    await rm(file, { force: true })
  }

  async #isEngine(pid: number): Promise<boolean> {
    if (process.platform === 'linux') {
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
      const owner = await stat(`/proc/${pid}`).catch(() => undefined)
      return name.trim() === 'postgres' && owner?.uid === (this.#user?.uid ?? process.getuid?.())
    }
    return isAlive(pid)
  }

  /** The folder is the engine user's: a link put there must not make us write elsewhere. */
  async #openLog(): Promise<FileHandle> {
    const { logFile } = this.place
    const size = await stat(logFile).then(
      found => found.size,
      () => 0,
    )
    if (size > MAX_LOG) await rename(logFile, `${logFile}.1`)
    return open(logFile, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  }

  #env() {
    const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
    return { cwd: this.place.folder, env, ...(this.#user && { uid: this.#user.uid, gid: this.#user.gid }) }
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
