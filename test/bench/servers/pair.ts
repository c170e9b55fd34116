import { peers } from '../../federation/peers/index.ts'
import { World } from '../../federation/world.ts'
import type { Place, Running, ServerName, Setup } from './server.ts'

/**
 * Two servers that speak with each other over TLS, each with a certificate that the other believes. The first one is measured;
 * the second one has the core of the load generator.
 */
export async function startPair(
  measured: ServerName,
  other: ServerName,
  { core, other: elsewhere }: Place,
  { archive }: Setup,
): Promise<Running> {
  const world = await World.open()
  try {
    const options = { tls: 'required', proof: 'external', archive } as const
    const here = await peers[measured].start(world, 'here.test', { ...options, core })
    const there = await peers[other].start(world, 'there.test', { ...options, core: elsewhere })
    return {
      domain: here.domain,
      ports: [here.doors.client],
      pids: here.pids,
      peer: { domain: there.domain, ports: [there.doors.client] },
      lastWords: () => here.lastWords().split('\n').slice(-2).join(' · '),
      stop: () => world.close(),
    }
  } catch (error) {
    await world.close()
    throw error
  }
}
