import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { Peer } from './peer.ts'

interface Link {
  readonly near: Socket
  readonly far: Socket
  /** What has been said from this side, at the beginning: to tell links apart. */
  said: string
}

/** Bytes at a time of who is slow. */
const FEW = 3

/** What stands between two sides that speak over TCP, and spoils what passes: near is who connects, far who listens. */
export class Spoiler {
  readonly #server: Server
  readonly #links = new Set<Link>()
  readonly #frozen: RegExp[] = []
  /** What is still on its way to each. */
  readonly #ways = new WeakMap<Socket, Promise<void>>()
  #slow = false

  private constructor(server: Server, port: number) {
    this.#server = server
    server.on('connection', near => this.#link(near, connect({ port, host: '127.0.0.1', allowHalfOpen: true })))
  }

  /** @param port where the far side listens */
  static async open(port: number): Promise<Spoiler> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Spoiler(server, port)
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  has(mark: RegExp): boolean {
    return this.#those(mark).length > 0
  }

  cut(mark: RegExp): void {
    for (const { near } of this.#those(mark)) near.destroy()
  }

  /** Says something in the far side's place. */
  say(mark: RegExp, bytes: Uint8Array): void {
    for (const { near } of this.#those(mark)) near.write(bytes)
  }

  /** Nothing more passes, and the connections stay: those that are there, and those to come. */
  freeze(mark: RegExp): void {
    this.#frozen.push(mark)
  }

  /** From now on a few bytes at a time, both ways. */
  slow(): void {
    this.#slow = true
  }

  close(): void {
    for (const { near, far } of this.#links) {
      near.destroy()
      far.destroy()
    }
    this.#server.close()
  }

  #those(mark: RegExp): Link[] {
    return [...this.#links].filter(({ near, said }) => !near.destroyed && mark.test(said))
  }

  #link(near: Socket, far: Socket): void {
    const link: Link = { near, far, said: '' }
    this.#links.add(link)
    near.on('data', (chunk: Buffer) => {
      if (link.said.length < 10_000) link.said += chunk.toString('latin1')
    })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true)
      const passes = (run: () => void | Promise<void>) => this.#isFrozen(link) || this.#after(to, run)
      from.on('data', (chunk: Buffer) => passes(() => this.#write(to, chunk)))
      from.on('end', () => passes(() => void to.end()))
      // Who breaks off is not waited for; what was said before is.
      from.on('error', () => to.destroy())
      from.on('close', () => {
        if (near.destroyed && far.destroyed) this.#links.delete(link)
        this.#after(to, () => to.destroySoon())
      })
    }
  }

  #isFrozen({ said }: Link): boolean {
    return this.#frozen.some(mark => mark.test(said))
  }

  #after(to: Socket, run: () => void | Promise<void>): void {
    this.#ways.set(to, (this.#ways.get(to) ?? Promise.resolve()).then(run))
  }

  /** A turn of the loop lies between two pieces, so that they are read one by one. */
  async #write(to: Socket, chunk: Buffer): Promise<void> {
    const step = this.#slow ? FEW : chunk.length
    for (let at = 0; at < chunk.length && to.writable; at += step) {
      to.write(chunk.subarray(at, at + step))
      if (this.#slow) await turn()
    }
  }
}

/** Says something at a door of the adapter, until it closes the connection. */
export async function says(port: number, bytes: Uint8Array): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.resume().end(bytes)
  await new Promise(resolve => socket.once('close', resolve))
}

/** What a peer can do that speaks with the adapter's door at this port through spoilers, whoever it is about. */
export function spoils(gateway: number, ...spoilers: readonly Spoiler[]): Pick<Peer, 'garbage' | 'freeze' | 'slow'> {
  return {
    garbage: (_id, bytes) => says(gateway, bytes),
    async freeze() {
      for (const spoiler of spoilers) spoiler.freeze(/^/)
    },
    async slow() {
      for (const spoiler of spoilers) spoiler.slow()
    },
  }
}
