import { connect, type Socket } from 'node:net'
import type { Clock } from '../clock.ts'
import type { Observe, TcpStep } from '../discovery.ts'
import type { Addresses } from './addresses.ts'

export interface RaceOptions {
  readonly host: string
  readonly port: number
  readonly addresses: Addresses
  readonly clock: Clock
  /** Milliseconds before the next address is tried while one does not answer. */
  readonly stagger: number
  readonly observe?: Observe | undefined
  readonly failed: (address: string, reason: string) => void
}

export interface Winner {
  readonly socket: Socket
  readonly address: string
}

interface Runner {
  readonly socket: Socket
  readonly address: string
  readonly since: number
  /** Takes our listeners off. */
  leave(): void
}

/** RFC 8305 §3: so long IPv4 waits for the answer about IPv6. */
const RESOLUTION_DELAY = 50

/** What the system says, for an operator. */
const WORDS: Readonly<Record<string, (address: string) => string>> = {
  ECONNREFUSED: at => `${at} refuses connections (ECONNREFUSED): no server listens there`,
  ETIMEDOUT: at => `${at} does not answer (ETIMEDOUT)`,
  EHOSTUNREACH: at => `there is no way from here to ${at} (EHOSTUNREACH)`,
  ENETUNREACH: at => `there is no way from here to ${at} (ENETUNREACH)`,
}

/** Connects to one of a host's addresses: to whichever is there first, the next one started when one is slow (RFC 8305 §5). */
export class Race {
  readonly #options: RaceOptions
  readonly #running = new Set<Runner>()
  readonly result: Promise<Winner | undefined>
  #settle: (winner: Winner | undefined) => void = () => {}
  #isOver = false
  #hasBegun = false
  /** Until then no address is started, unless all that were started have failed. */
  #pause: (() => void) | undefined

  constructor(options: RaceOptions) {
    this.#options = options
    this.result = new Promise(resolve => {
      this.#settle = resolve
    })
  }

  /** Goes on: at first, when addresses have become known, when one failed. */
  go(): void {
    if (this.#isOver || this.#pause) return
    const { addresses, stagger } = this.#options
    if (!this.#hasBegun && addresses.isExpected(6) && !addresses.isExpected(4)) {
      this.#hasBegun = true
      this.#wait(RESOLUTION_DELAY)
      return
    }
    const address = addresses.take()
    if (address === undefined) {
      if (addresses.isOver && this.#running.size === 0) this.#end(undefined)
      return
    }
    this.#hasBegun = true
    this.#start(address)
    this.#wait(stagger)
  }

  /** IPv6 need not be waited for any more, or nothing is under way: goes on at once. */
  hurry(): void {
    this.#pause?.()
    this.#pause = undefined
    this.go()
  }

  /** Ends it without a winner. */
  stop(): void {
    this.#end(undefined)
  }

  get isRunning(): boolean {
    return this.#running.size > 0
  }

  #wait(ms: number): void {
    if (this.#isOver) return
    this.#pause = this.#options.clock.after(ms, () => {
      this.#pause = undefined
      this.go()
    })
  }

  #start(address: string): void {
    const { port, clock, failed } = this.#options
    // An address, never a name: nobody looks it up again, so it is the one that was checked.
    const socket = connect({ host: address, port, noDelay: true, keepAlive: true })
    const fail = (error: NodeJS.ErrnoException) => {
      const reason = WORDS[error.code ?? '']?.(address) ?? error.message
      this.#running.delete(runner)
      this.#tell(runner, 'failed', reason)
      failed(address, reason)
      this.hurry()
    }
    const win = () => {
      this.#running.delete(runner)
      runner.leave()
      this.#tell(runner, 'connected')
      this.#end({ socket, address })
    }
    const runner: Runner = {
      socket,
      address,
      since: clock.monotonic(),
      leave() {
        socket.off('error', fail)
        socket.off('connect', win)
      },
    }
    socket.once('error', fail)
    socket.once('connect', win)
    this.#running.add(runner)
    this.#tell(runner, 'started')
  }

  #end(winner: Winner | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#pause?.()
    for (const runner of this.#running) {
      runner.leave()
      runner.socket.on('error', () => {})
      runner.socket.destroy()
      this.#tell(runner, 'given up')
    }
    this.#running.clear()
    this.#settle(winner)
  }

  #tell({ address, since }: Runner, result: TcpStep['result'], error?: string): void {
    const { host, port, clock, observe } = this.#options
    const ms = Math.round(clock.monotonic() - since)
    observe?.({ step: 'tcp', host, port, address, result, ms, ...(error !== undefined && { error }) })
  }
}
