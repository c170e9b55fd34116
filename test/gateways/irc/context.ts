import { once } from 'node:events'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import {
  type Adapter,
  AdapterError,
  type Connection,
  type Context,
  type Event,
  type EventOf,
  type ListenOptions,
  type Session,
  type Settings,
  type SettingValues,
  type Vault,
} from '@parley/adapter'

export interface StandOptions<S extends Settings> {
  readonly settings?: Partial<Record<keyof S, string | number | boolean>>
  readonly fields?: Readonly<Record<string, string>>
  readonly secrets?: Readonly<Record<string, string>>
  readonly owner?: string
  readonly domain?: string
  /** What an earlier session has kept. */
  readonly kept?: Kept
}

export class Kept implements Vault {
  readonly #values = new Map<string, string>()
  async get(name: string): Promise<string | undefined> {
    return this.#values.get(name)
  }
  async set(name: string, value: string | undefined): Promise<void> {
    // As the engine has it.
    if (name.length > 200 || (value?.length ?? 0) > 65_536) throw new AdapterError('too-large', 'Too much is kept')
    if (value === undefined) this.#values.delete(name)
    else this.#values.set(name, value)
  }
}

/** A session of an adapter on the real network of this machine, and all that it says. */
export class Stand<S extends Settings> {
  readonly session: Session
  readonly events: Event[] = []
  readonly logged: string[] = []
  readonly kept: Kept
  readonly #secrets = new Kept()
  readonly #watchers = new Set<() => void>()
  readonly #stopping = new AbortController()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #closing: (() => void)[] = []
  #read = 0

  constructor(adapter: Adapter<S>, options: StandOptions<S> = {}) {
    this.kept = options.kept ?? new Kept()
    for (const [name, value] of Object.entries(options.secrets ?? {})) void this.#secrets.set(name, value)
    this.session = adapter.create(this.#context(adapter, options))
  }

  /** The next event of a type that comes, or has come and was not taken yet; those before it are passed over. */
  async sees<T extends Event['type']>(type: T, fits: (event: EventOf<T>) => boolean = () => true): Promise<EventOf<T>> {
    const deadline = Date.now() + 15_000
    for (;;) {
      for (let at = this.#read; at < this.events.length; at++) {
        const event = this.events[at]! as EventOf<T>
        if (event.type !== type || !fits(event)) continue
        this.#read = at + 1
        return event
      }
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`No ${type} came, but:\n${this.events.slice(this.#read).map(show).join('\n')}`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(wake, left)
        function wake() {
          clearTimeout(timer)
          resolve()
        }
        this.#watchers.add(wake)
      })
    }
  }

  count<T extends Event['type']>(type: T, fits: (event: EventOf<T>) => boolean = () => true): number {
    return this.events.filter(event => event.type === type && fits(event as EventOf<T>)).length
  }

  async end(): Promise<void> {
    await this.session.stop()
    this.#stopping.abort()
    for (const timer of this.#timers) clearTimeout(timer)
    for (const close of this.#closing) close()
  }

  #context(adapter: Adapter<S>, options: StandOptions<S>): Context<S> {
    const defaults = Object.fromEntries(Object.entries(adapter.settings).map(([name, each]) => [name, each.default]))
    const log = (message: string, about?: object) => void this.logged.push(`${message} ${JSON.stringify(about ?? {})}`)
    const timer = (make: typeof setTimeout | typeof setInterval, ms: number, run: () => void) => {
      const made = make(run, ms) as NodeJS.Timeout
      this.#timers.add(made)
      return () => {
        clearTimeout(made)
        this.#timers.delete(made)
      }
    }
    return {
      settings: { ...defaults, ...options.settings } as SettingValues<S>,
      account:
        adapter.mode === 'account'
          ? { owner: options.owner ?? 'romeo@example.org', fields: options.fields ?? {} }
          : undefined,
      domain: options.domain ?? `${adapter.id}.example.org`,
      secrets: this.#secrets,
      kv: this.kept,
      clock: {
        now: () => Date.now(),
        after: (ms, run) => timer(setTimeout, ms, run),
        every: (ms, run) => timer(setInterval, ms, run),
      },
      log: { debug: log, info: log, warn: log },
      signal: this.#stopping.signal,
      media: { put: async () => '', get: async () => undefined },
      emit: event => {
        this.events.push(event)
        const watchers = [...this.#watchers]
        this.#watchers.clear()
        for (const wake of watchers) wake()
      },
      connect: ({ host, port, tls, servername, trustAnything }) =>
        open(tls ? connectTls({ host, port, ...secured(servername, trustAnything) }) : connectTcp({ host, port })),
      fetch: async ({ method, url, headers, body, timeout = 30_000, limit = 1 << 20 }) => {
        const signal = AbortSignal.any([AbortSignal.timeout(timeout), this.#stopping.signal])
        try {
          const sent = body === undefined ? {} : { body: body as string }
          const response = await fetch(url, {
            method,
            redirect: 'manual',
            signal,
            ...(headers && { headers }),
            ...sent,
          })
          const bytes = new Uint8Array(await response.arrayBuffer()).subarray(0, limit)
          return { status: response.status, headers: Object.fromEntries(response.headers), body: bytes }
        } catch {
          throw new AdapterError('transient', 'The server cannot be reached')
        }
      },
      listen: async options => this.#listen(options),
    }
  }

  async #listen({ host, port, connected, halfOpen = false }: ListenOptions) {
    const sockets = new Set<Socket>()
    const server = createServer({ allowHalfOpen: halfOpen }, socket => {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
      connected?.(connectionOf(socket))
    })
    server.listen(port, host)
    await once(server, 'listening')
    const close = async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
    this.#closing.push(() => void close())
    return { port: (server.address() as { port: number }).port, send: () => {}, close }
  }
}

function secured(servername?: string, trustAnything?: boolean) {
  return { ...(servername ? { servername } : {}), rejectUnauthorized: !trustAnything }
}

async function open(socket: Socket): Promise<Connection> {
  try {
    await once(socket, 'encrypted' in socket ? 'secureConnect' : 'connect')
  } catch {
    throw new AdapterError('transient', 'The server cannot be reached')
  }
  return connectionOf(socket)
}

function connectionOf(socket: Socket): Connection {
  let stream = socket
  return {
    get stream() {
      return stream
    },
    remote: socket.remoteAddress ?? '',
    startTls: async options => {
      const next = connectTls({ socket, ...secured(options?.servername, options?.trustAnything) })
      await once(next, 'secureConnect')
      stream = next
    },
    destroy: () => void stream.destroy(),
  }
}

function show(event: Event): string {
  return JSON.stringify(event, (_, value) => (value instanceof Error ? `${value.name}: ${value.message}` : value))
}
