import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { AdapterClock, Connection, Context, Event, EventOf, Session, Vault } from '@parley/adapter'
import { AdapterError } from '@parley/adapter'
import sip from '@parley/gateway-sip'
import { Inbox } from './inbox.ts'

type Values = Context<(typeof sip)['settings']>['settings']

/** A clock that is moved by hand; the network beneath stays as it is. */
export class HandClock implements AdapterClock {
  #now = Date.parse('2026-03-01T12:00:00Z')
  readonly #due = new Set<{ at: number; run: () => void }>()

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    const entry = { at: this.#now + ms, run }
    this.#due.add(entry)
    return () => this.#due.delete(entry)
  }

  every(ms: number, run: () => void): () => void {
    let stop = () => {}
    const again = () => {
      stop = this.after(ms, () => {
        again()
        run()
      })
    }
    again()
    return () => stop()
  }

  move(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const next = [...this.#due].filter(entry => entry.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      this.#due.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.run()
    }
    this.#now = end
  }
}

const realClock: AdapterClock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  every: (ms, run) => {
    const timer = setInterval(run, ms)
    return () => clearInterval(timer)
  },
}

export class MemoryVault implements Vault {
  readonly all = new Map<string, string>()

  async get(name: string): Promise<string | undefined> {
    return this.all.get(name)
  }

  async set(name: string, value: string | undefined): Promise<void> {
    if (value === undefined) this.all.delete(name)
    else this.all.set(name, value)
  }
}

export interface Stage {
  readonly session: Session
  readonly log: string[]
  readonly kv: MemoryVault
  readonly clock: AdapterClock
  /** The next event of that kind, and what else is said of it. */
  hears<T extends Event['type']>(type: T, about?: Partial<EventOf<T>>, patience?: number): Promise<EventOf<T>>
  /** Everything that came and that nobody has asked for. */
  left(): Event[]
  stop(): Promise<void>
}

const stages = new Set<Stage>()

/** The adapter on real sockets of this machine, whose users are at example.org. */
export async function begin(
  settings: Partial<Values>,
  use: { clock?: AdapterClock; kv?: MemoryVault; face?: string } = {},
): Promise<Stage> {
  const log: string[] = []
  const inbox = new Inbox<Event>()
  const { kv = new MemoryVault(), clock = realClock, face = 'sip.example.org' } = use
  const stop = new AbortController()
  const note = (message: string, about?: object) => void log.push(`${message} ${JSON.stringify(about ?? {})}`)
  const defaults = Object.fromEntries(Object.entries(sip.settings).map(([name, setting]) => [name, setting.default]))
  const context: Context<(typeof sip)['settings']> = {
    settings: { ...(defaults as Values), listen: '127.0.0.1', udp: 0, tcp: 0, ...settings },
    account: undefined,
    domain: face,
    secrets: new MemoryVault(),
    kv,
    clock,
    log: { debug: note, info: note, warn: note },
    signal: stop.signal,
    media: { put: async () => '', get: async () => undefined },
    emit: event => inbox.add(event),
    connect: options => dial(options.host, options.port),
    fetch: async () => {
      throw new AdapterError('denied', 'No web here')
    },
    listen: options => (options.transport === 'udp' ? openUdp(options) : openTcp(options)),
  }
  const session = sip.create(context)
  await session.start()
  const stage: Stage = {
    session,
    log,
    kv,
    clock,
    hears: (type, about = {}, patience?: number) =>
      inbox.next(`${type} ${JSON.stringify(about)}`, event => matches(event, { type, ...about }), patience) as never,
    left: () => inbox.left(),
    stop: async () => {
      stages.delete(stage)
      await session.stop()
    },
  }
  stages.add(stage)
  return stage
}

/** For `afterEach`: what a test has begun ends with it. */
export async function endAll(): Promise<void> {
  for (const stage of stages) await stage.stop()
}

function matches(event: object, about: object): boolean {
  return Object.entries(about).every(
    ([name, value]) => JSON.stringify((event as Record<string, unknown>)[name]) === JSON.stringify(value),
  )
}

async function dial(host: string, port: number): Promise<Connection> {
  const socket = connect(port, host)
  await once(socket, 'connect').catch(error => {
    throw new AdapterError('transient', `No connection: ${(error as Error).message}`)
  })
  return wrap(socket)
}

function wrap(socket: Socket): Connection {
  return {
    stream: socket,
    remote: `${socket.remoteAddress}:${socket.remotePort}`,
    startTls: async () => {
      throw new AdapterError('unsupported', 'No TLS here')
    },
    destroy: () => void socket.destroy(),
  }
}

async function openTcp(options: Parameters<Context['listen']>[0]) {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    options.connected?.(wrap(socket))
  })
  server.listen(options.port, options.host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    send: () => {},
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function openUdp(options: Parameters<Context['listen']>[0]) {
  const socket = createSocket('udp4')
  socket.on('message', (bytes, from) => options.datagram?.(bytes, { host: from.address, port: from.port }))
  socket.on('error', () => {})
  socket.bind(options.port, options.host)
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    send: (bytes: Uint8Array, to: { readonly host: string; readonly port: number }) =>
      socket.send(bytes, to.port, to.host),
    close: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}
