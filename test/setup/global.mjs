// Starts the embedded engine once for all suites, without fsync, unless the runner has named another server.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export default async function setup() {
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
