// Starts an installed PostgreSQL for tests: its own folder, a Unix socket, no port, no fsync, an unprivileged user.
import { spawn, spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const NOBODY = 65534

/** Gives an administrator's URL, the version, and a function that stops the server and removes its data. */
export async function startPostgres(bin) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-pg-'))
  const asRoot = process.getuid?.() === 0
  const user = asRoot ? { uid: NOBODY, gid: NOBODY } : {}
  if (asRoot) chownSync(folder, NOBODY, NOBODY)
  const data = join(folder, 'data')
  const run = (program, args) => {
    const { status, stderr } = spawnSync(join(bin, program), args, { ...user, cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${program} failed: ${stderr}`)
  }
  run('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'])
  const settings = {
    listen_addresses: '',
    unix_socket_directories: folder,
    fsync: 'off',
    synchronous_commit: 'off',
    max_connections: '100',
  }
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  await new Promise((resolve, reject) => {
    let log = ''
    server.stderr.on('data', text => {
      log += text
      if (log.includes('ready to accept connections')) resolve()
    })
    server.on('exit', code => reject(new Error(`PostgreSQL ended with ${code}:\n${log}`)))
  })
  const version = spawnSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }).stdout.trim().split(' ')[2]
  return {
    url: `postgres://postgres@${encodeURIComponent(folder)}/postgres`,
    version,
    async stop() {
      const ended = new Promise(resolve => server.on('exit', resolve))
      server.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
