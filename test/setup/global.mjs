// Starts what suites need once for all of them, unless the runner has named servers: the embedded engine, without fsync, and
// Redis where it is installed (PARLEY_TEST_REDIS=none leaves it out).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedis } from '../../scripts/redis.mjs'

export default async function setup() {
  await redis()
  if (process.env.PARLEY_TEST_DATABASE) return
  const { startScratchCluster } = await import('../../packages/store/dist/index.js')
  const folder = await mkdtemp(join(tmpdir(), 'parley-test-'))
  const cluster = await startScratchCluster(folder)
  process.env.PARLEY_TEST_DATABASE = cluster.adminUrl
  globalThis.stopScratchCluster = async () => {
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function redis() {
  if (process.env.PARLEY_TEST_REDIS === 'none') delete process.env.PARLEY_TEST_REDIS
  else if (!process.env.PARLEY_TEST_REDIS) {
    const server = await startRedis()
    if (!server) return
    process.env.PARLEY_TEST_REDIS = server.url
    globalThis.stopScratchRedis = () => server.stop()
  }
}
