export default async function teardown() {
  await globalThis.stopScratchCluster?.()
  await globalThis.stopScratchRedis?.()
}
