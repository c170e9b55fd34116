import type { Client } from './client.ts'
import { peerOf } from './clients.ts'

const TICK_MS = 5
const STAMP = / id=['"]t([\d.]+)['"]/g

/**
 * Everybody says something to their peer, so often a second all together, whether or not what was said before has arrived.
 *
 * @param write gives a stanza with this address and id; the id says when it was sent
 * @returns ends it
 */
export function sendAtRate(
  rate: number,
  clients: readonly Client[],
  write: (to: string, id: string) => string,
): () => void {
  const began = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    for (const owed = ((performance.now() - began) * rate) / 1000; sent < owed; sent++) {
      const client = clients[sent % clients.length]!
      client.write(write(peerOf(client, clients).jid, `t${performance.now().toFixed(3)}`))
    }
  }, TICK_MS)
  return () => clearInterval(timer)
}

/** How long the stanzas that have arrived were on their way, in ms. */
export function timesOf(bytes: Buffer): number[] {
  const now = performance.now()
  return [...bytes.toString('latin1').matchAll(STAMP)].map(([, stamp]) => now - Number(stamp))
}
