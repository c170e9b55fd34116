import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * What a network does to bytes. `open`: nothing; `cut`: new connections are refused and there are no old ones; `mute`: both
 * directions are swallowed and nobody is told (half-open); `upMute`, `downMute`: one direction is; a number of milliseconds
 * delays both; `trickle`: one byte a second.
 */
export type Weather = 'open' | 'cut' | 'mute' | 'upMute' | 'downMute' | 'trickle' | number

const TICK = 1000

/** A way from a port to another one, in user space, whose weather can be changed. */
export class Way {
  readonly port: number
  readonly #target: number
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #weather: Weather = 'open'

  private constructor(server: Server, port: number, target: number) {
    this.#server = server
    this.port = port
    this.#target = target
    server.on('connection', inner => this.#take(inner))
  }

  static async open(target: number, port = 0): Promise<Way> {
    const server = createServer({ noDelay: true })
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    return new Way(server, (server.address() as { port: number }).port, target)
  }

  get weather(): Weather {
    return this.#weather
  }

  set weather(weather: Weather) {
    this.#weather = weather
    for (const pair of this.#pairs) pair.change(weather)
  }

  /** Breaks the connections that there are; what was swallowed is lost with them, as it would be on a network. */
  reset(): void {
    for (const pair of this.#pairs) pair.destroy()
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.reset()
    await closed
  }

  #take(inner: Socket): void {
    if (this.#weather === 'cut') {
      inner.destroy()
      return
    }
    const pair = new Pair(inner, connect({ port: this.#target, host: '127.0.0.1', noDelay: true }), this.#weather)
    this.#pairs.add(pair)
    pair.onEnd = () => this.#pairs.delete(pair)
  }
}

class Pair {
  readonly #up: Lane
  readonly #down: Lane
  readonly #sockets: readonly Socket[]
  #ended = false
  onEnd = () => {}

  constructor(inner: Socket, outer: Socket, weather: Weather) {
    this.#sockets = [inner, outer]
    this.#up = new Lane(inner, outer)
    this.#down = new Lane(outer, inner)
    for (const socket of this.#sockets) {
      socket.on('error', () => this.destroy())
      socket.on('close', () => this.destroy())
    }
    this.change(weather)
  }

  change(weather: Weather): void {
    if (weather === 'cut') this.destroy()
    this.#up.weather = weather === 'upMute' ? 'mute' : weather === 'downMute' ? 'open' : weather
    this.#down.weather = weather === 'downMute' ? 'mute' : weather === 'upMute' ? 'open' : weather
  }

  destroy(): void {
    if (this.#ended) return
    this.#ended = true
    for (const socket of this.#sockets) socket.destroy()
    this.#up.stop()
    this.#down.stop()
    this.onEnd()
  }
}

/** One direction. What is held back stays in order: later weather never lets bytes overtake. */
class Lane {
  readonly #to: Socket
  readonly #waiting: { readonly bytes: Buffer; readonly at: number }[] = []
  readonly #timer: NodeJS.Timeout
  #weather: Weather = 'open'

  constructor(from: Socket, to: Socket) {
    this.#to = to
    from.on('data', bytes => this.#take(bytes))
    this.#timer = setInterval(() => this.#tick(), TICK)
  }

  set weather(weather: Weather) {
    this.#weather = weather
    if (weather === 'open') this.#release(Number.POSITIVE_INFINITY)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #take(bytes: Buffer): void {
    if (this.#weather === 'open' && this.#waiting.length === 0) {
      this.#to.write(bytes)
      return
    }
    const delay = typeof this.#weather === 'number' ? this.#weather : 0
    this.#waiting.push({ bytes, at: Date.now() + delay })
    if (delay > 0) setTimeout(() => this.#due(), delay)
  }

  #due(): void {
    if (typeof this.#weather === 'number' || this.#weather === 'open') this.#release(Date.now())
  }

  #release(now: number): void {
    while (this.#waiting[0] && this.#waiting[0].at <= now) this.#to.write(this.#waiting.shift()!.bytes)
  }

  #tick(): void {
    if (this.#weather !== 'trickle') return
    const first = this.#waiting.shift()
    if (!first) return
    this.#to.write(first.bytes.subarray(0, 1))
    if (first.bytes.length > 1) this.#waiting.unshift({ bytes: first.bytes.subarray(1), at: first.at })
  }
}
