import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, test } from '@jest/globals'
import { type DriverOptions, liveContract } from '../contract/live.ts'
import { redisLive } from './redis.ts'

const folder = mkdtempSync(join(tmpdir(), 'parley-redis-cluster-'))
/** Each node has a second port, 10,000 above; both below those that the system gives away. */
const first = randomInt(11_000, 22_000)
const ports = [first, first + 1, first + 2]
const nodes: ChildProcess[] = []

function start(port: number): Promise<void> {
  const dir = join(folder, String(port))
  mkdirSync(dir)
  const settings = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    dir,
    '--save',
    '',
    '--cluster-enabled',
    'yes',
  ]
  const node = spawn('redis-server', [...settings, '--appendonly', 'yes', '--appendfsync', 'always'])
  nodes.push(node)
  return new Promise((resolve, reject) => {
    node.stdout.on('data', text => /ready to accept/i.test(String(text)) && resolve())
    node.on('exit', code => reject(new Error(`Redis ended with ${code}`)))
  })
}

async function driver({ now, ...options }: DriverOptions) {
  const shared = { ...options, url: `redis://127.0.0.1:${first}`, prefix: `test:${randomUUID()}:` }
  return {
    live: await redisLive({ ...shared, ahead: now }),
    peer: await redisLive({ ...shared, every: () => () => {} }),
  }
}

if (spawnSync('redis-cli', ['--version']).error) test.todo('live state on a Redis Cluster: install redis-server')
else {
  beforeAll(async () => {
    for (const port of ports) await start(port)
    const addresses = ports.map(port => `127.0.0.1:${port}`)
    spawnSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'])
    const state = () => spawnSync('redis-cli', ['-p', String(ports[2]), 'cluster', 'info'], { encoding: 'utf8' }).stdout
    while (!state().includes('cluster_state:ok')) await new Promise(resolve => setTimeout(resolve, 50))
  })

  afterAll(async () => {
    const ended = nodes.map(node => new Promise(resolve => node.on('exit', resolve)))
    for (const node of nodes) node.kill()
    await Promise.all(ended)
    rmSync(folder, { recursive: true, force: true })
  })

  liveContract('Redis Cluster of three nodes', driver)
}
