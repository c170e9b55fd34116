import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Child, pause } from './child.ts'

const NOBODY = 65534
/** A killed postmaster leaves processes behind that have yet to notice: until then its data are taken. */
const PATIENCE = 15_000

/** The folder of an installed PostgreSQL's programs, the newest first; undefined where there is none. */
export function findPostgres(): string | undefined {
  const base = '/usr/lib/postgresql'
  const versions = existsSync(base) ? readdirSync(base).map(Number) : []
  const newest = versions.filter(version => version >= 15).sort((a, b) => b - a)
  return newest.map(version => join(base, String(version), 'bin')).find(bin => existsSync(join(bin, 'initdb')))
}

/** PostgreSQL with its own defaults, so that what it has committed is on disk; it may be killed and started again. */
export class Postgres {
  readonly port: number
  readonly #child: Child
  readonly #bin: string
  readonly #socket: string

  private constructor(child: Child, port: number, bin: string, socket: string) {
    this.#child = child
    this.port = port
    this.#bin = bin
    this.#socket = socket
  }

  static async open(folder: string, port: number): Promise<Postgres> {
    const bin = findPostgres()!
    const home = join(folder, 'postgres')
    const data = join(home, 'data')
    mkdirSync(home)
    // It refuses to run as root.
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : undefined
    if (user) chownSync(home, user.uid, user.gid)
    const made = spawnSync(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'],
      { ...user, cwd: home, encoding: 'utf8' },
    )
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${port}`,
      `unix_socket_directories=${home}`,
      'max_connections=200',
      'fsync=on',
      'synchronous_commit=on',
    ]
    const args = ['-D', data, ...settings.flatMap(setting => ['-c', setting])]
    const child = new Child({
      program: join(bin, 'postgres'),
      args,
      cwd: home,
      user,
      log: join(folder, 'postgres.log'),
    })
    const postgres = new Postgres(child, port, bin, home)
    await postgres.start()
    return postgres
  }

  async start(): Promise<void> {
    for (const end = Date.now() + PATIENCE; ; ) {
      try {
        await this.#child.start('database system is ready to accept connections')
        return
      } catch (error) {
        if (Date.now() > end) throw error
        await pause(50)
      }
    }
  }

  kill(): Promise<void> {
    return this.#child.end('SIGKILL')
  }

  /** Kills one process that serves a connection; PostgreSQL then ends all the others and recovers by itself. */
  async killBackend(choose: (count: number) => number): Promise<boolean> {
    const query = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'parley%'"
    const psql = ['-h', this.#socket, '-p', String(this.port), '-U', 'postgres', '-Atc', query, 'postgres']
    const { stdout, status } = spawnSync(join(this.#bin, 'psql'), psql, { encoding: 'utf8', timeout: 5000 })
    const pids = stdout.split('\n').filter(Boolean).map(Number)
    if (status !== 0 || pids.length === 0) return false
    try {
      process.kill(pids[choose(pids.length)]!, 'SIGKILL')
    } catch {
      // It has just ended by itself.
      return false
    }
    return true
  }

  stop(): Promise<void> {
    return this.#child.end('SIGINT')
  }
}
