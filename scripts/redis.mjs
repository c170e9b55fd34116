// Starts an installed Redis for tests: its own folder, a Unix socket, no port, every write on disk before its answer.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Gives the URL, the version, and a function that stops the server and removes its data; undefined: not installed. */
export async function startRedis() {
  const { stdout, error } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  if (error) return undefined
  const version = /v=(\S+)/.exec(stdout)?.[1]
  if (Number.parseInt(version, 10) < 7) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'parley-redis-'))
  const socket = join(folder, 'redis.sock')
  const settings = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'yes']
  const server = spawn('redis-server', [...settings, '--appendfsync', 'always'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve, reject) => {
    let log = ''
    server.stdout.on('data', text => {
      log += text
      if (log.includes('The server is now ready to accept connections')) resolve()
    })
    server.on('exit', code => reject(new Error(`Redis ended with ${code}:\n${log}`)))
  })
  return {
    url: `unix://${socket}`,
    version,
    async stop() {
      const ended = new Promise(resolve => server.on('exit', resolve))
      server.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
