import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import { findPostgres, findProgram, findUser } from './programs.ts'
import type { Place } from './server.ts'

/** A part that a server of ours leans on. */
export interface Part {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

/** PostgreSQL as installed, with its own defaults: what it has committed is on disk. */
export async function startPostgres({ folder, core }: Place): Promise<Part> {
  const bin = findPostgres()!
  const home = join(folder, 'postgres')
  const data = join(home, 'data')
  mkdirSync(home)
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? findUser('nobody') : undefined
  if (user) chownSync(home, user.uid, user.gid)
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8']
  const made = spawnSync(join(bin, 'initdb'), args, { ...user, cwd: home, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  const settings = [`unix_socket_directories=${home}`, 'listen_addresses=', 'max_connections=200']
  const child = new Child({
    command: [join(bin, 'postgres'), '-D', data, ...settings.flatMap(setting => ['-c', setting])],
    folder,
    name: 'postgres',
    core,
    user,
  })
  // The socket is there a moment before it takes connections; the client of the server tries again.
  const ready = async () => {
    if (!child.lastWords.includes('ready to accept connections')) throw new Error('not ready')
  }
  // SIGINT: without waiting for connections that are still open.
  const stop = () => child.stop('SIGINT')
  await child.until(ready).catch(error => stop().then(() => Promise.reject(error)))
  return { url: `postgres://postgres@${encodeURIComponent(home)}/postgres`, pid: child.pid, stop }
}

/** What the server asks of Redis: every write on disk before its answer, nothing evicted. */
const DURABLE = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction']

/** Redis as installed, on a Unix socket. */
export async function startRedis({ folder, core }: Place): Promise<Part> {
  const home = join(folder, 'redis')
  mkdirSync(home)
  chmodSync(home, 0o700)
  const socket = join(home, 'redis.sock')
  const child = new Child({
    command: [findProgram('redis-server')!, '--port', '0', '--unixsocket', socket, '--dir', home, ...DURABLE],
    folder,
    name: 'redis',
    core,
  })
  const ready = async () => {
    if (!readdirSync(home).includes('redis.sock')) throw new Error('not ready')
  }
  await child.until(ready).catch(error => child.stop().then(() => Promise.reject(error)))
  return { url: `unix://${socket}`, pid: child.pid, stop: () => child.stop() }
}
