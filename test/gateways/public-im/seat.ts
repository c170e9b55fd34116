import { request } from 'node:http'
import { connect } from 'node:net'
import {
  type Adapter,
  AdapterError,
  type Context,
  type Event,
  type EventOf,
  type HttpRequest,
  type HttpResponse,
  type Session,
  type Settings,
} from '@parley/adapter'
import { ManualClock } from './clock.ts'

/** How long something may take that must happen. */
const PATIENCE = 15_000

interface Listener {
  look(): void
}

/** One user of an adapter: a session, and everything that it has said. */
export class Seat {
  readonly session: Session
  readonly clock = new ManualClock()
  /** All that was emitted, and what nobody has asked for yet. */
  readonly events: Event[] = []
  readonly #fresh: Event[] = []
  readonly #listeners = new Set<Listener>()
  /** All that was logged. */
  readonly log: string[] = []
  readonly #abort = new AbortController()

  private constructor(
    adapter: Adapter,
    settings: Readonly<Record<string, unknown>>,
    fields: Record<string, string>,
    secrets: Record<string, string>,
    kept: Map<string, string>,
  ) {
    const vault = (values: Map<string, string>) => ({
      get: async (name: string) => values.get(name),
      set: async (name: string, value: string | undefined) => {
        if (value === undefined) values.delete(name)
        else values.set(name, value)
      },
    })
    const say = (level: string) => (message: string, about?: object) => {
      this.log.push(`${level} ${message} ${JSON.stringify(about ?? {})}`)
    }
    const defaults = Object.fromEntries(
      Object.entries(adapter.settings).map(([name, { default: value }]) => [name, value]),
    )
    const context: Context = {
      settings: { ...defaults, ...settings } as Context['settings'],
      account: { owner: 'romeo@example.org', fields },
      domain: `${adapter.id}.example.org`,
      secrets: vault(new Map(Object.entries(secrets))),
      kv: vault(kept),
      clock: this.clock,
      log: { debug: say('debug'), info: say('info'), warn: say('warn') },
      signal: this.#abort.signal,
      media: { put: async () => '', get: async () => undefined },
      emit: event => {
        this.events.push(event)
        this.#fresh.push(event)
        for (const listener of [...this.#listeners]) listener.look()
      },
      connect: open,
      fetch: ask,
      listen: () => Promise.reject(new AdapterError('denied', 'No doors here')),
    }
    this.session = adapter.create(context as Context<Settings>)
  }

  /** A session that has not begun. What it keeps is for the next one. */
  static of(
    adapter: unknown,
    settings: Readonly<Record<string, unknown>>,
    fields: Record<string, string>,
    secrets: Record<string, string>,
    kept = new Map<string, string>(),
  ): Seat {
    return new Seat(adapter as Adapter, settings, fields, secrets, kept)
  }

  /** The next event of this kind, also one that has come already; each is given once. */
  hears<T extends Event['type']>(type: T, matches: (event: EventOf<T>) => boolean = () => true): Promise<EventOf<T>> {
    return new Promise((resolve, reject) => {
      const take = () => {
        const at = this.#fresh.findIndex(event => event.type === type && matches(event as EventOf<T>))
        if (at === -1) return false
        clearTimeout(timer)
        this.#listeners.delete(listener)
        resolve(this.#fresh.splice(at, 1)[0] as EventOf<T>)
        return true
      }
      const listener = { look: take }
      const timer = setTimeout(() => {
        this.#listeners.delete(listener)
        reject(new Error(`No ${type} came; there was ${JSON.stringify(this.#fresh)}`))
      }, PATIENCE)
      if (!take()) this.#listeners.add(listener)
    })
  }

  count(type: Event['type']): number {
    return this.events.filter(event => event.type === type).length
  }

  abort(): void {
    this.#abort.abort()
  }
}

/** Waits for something that is no event. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${what}: it did not happen`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

function open({ host, port }: { host: string; port: number }) {
  return new Promise<{
    stream: ReturnType<typeof connect>
    remote: string
    startTls(): Promise<void>
    destroy(): void
  }>((resolve, reject) => {
    const stream = connect({ host, port, noDelay: true })
    stream.once('error', () => reject(new AdapterError('transient', 'Nobody listens there')))
    stream.once('connect', () =>
      resolve({ stream, remote: host, startTls: async () => undefined, destroy: () => stream.destroy() }),
    )
  })
}

function ask({ method, url, headers, body }: HttpRequest): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { ...headers } }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
          body: Buffer.concat(chunks),
        }),
      )
    })
    sent.on('error', () => reject(new AdapterError('transient', 'Nobody listens there')))
    sent.end(body)
  })
}
