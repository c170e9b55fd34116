import { peers } from './peers/index.ts'
import { type Options, type PeerName, policyOf, type Server } from './peers/peer.ts'
import type { World } from './world.ts'

/** Servers by what is asked of them: who asks for the same again gets the one that runs. */
export class Pool {
  readonly #world: World
  readonly #servers = new Map<string, Promise<Server>>()

  constructor(world: World) {
    this.#world = world
  }

  /** @param role servers of different roles are different ones, although they are asked for the same */
  server(peer: PeerName, options: Options, role: string): Promise<Server> {
    const key = JSON.stringify([peer, role, policyOf(options), options.certificate, options.more])
    const running = this.#servers.get(key)
    if (running) return running
    const started = peers[peer].start(this.#world, `${peer}${this.#servers.size + 1}.test`, options)
    this.#servers.set(key, started)
    // Whoever waits for it hears of it.
    started.catch(() => {})
    return started
  }
}
