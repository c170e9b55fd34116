import type {
  AccountInfo,
  AdapterClock,
  AdapterLog,
  Context,
  Event,
  Media,
  SettingValues,
  Vault,
} from '@parley/adapter'
import { AdapterError } from '@parley/adapter'
import type { Clock } from '@parley/net'
import { fetchOver } from './http.ts'
import { listenAt } from './listen.ts'
import { Lines, type Net } from './net.ts'
import type { Redactor } from './redact.ts'

/** What a session begins with. It passes between processes. */
export interface SessionInit {
  readonly settings: SettingValues<Record<string, never>>
  readonly account: AccountInfo | undefined
  readonly domain: string
}

/** What a session asks the core for. It passes between processes. */
export type Ask =
  | { readonly what: 'get'; readonly vault: 'secrets' | 'kv'; readonly name: string }
  | { readonly what: 'set'; readonly vault: 'secrets' | 'kv'; readonly name: string; readonly value?: string }
  | { readonly what: 'put'; readonly bytes: Uint8Array; readonly type: string }
  | { readonly what: 'media'; readonly id: string }

export type LogLevel = 'debug' | 'info' | 'warn'

/** The core, as a session sees it. */
export interface Core {
  ask(ask: Ask): Promise<unknown>
  log(level: LogLevel, text: string, about: Readonly<Record<string, unknown>> | undefined): void
}

/** What is kept: characters. */
const NAME = 200
const VALUE = 65_536
const PICTURE = 1_048_576

export interface ContextParts {
  readonly init: SessionInit
  readonly core: Core
  readonly net: Net
  readonly redactor: Redactor
  readonly signal: AbortSignal
  emit(event: Event): void
}

/** What an adapter may use. Timers, connections and doors end with the session. */
export function contextFor({
  init,
  core,
  net,
  redactor,
  signal,
  emit,
}: ContextParts): Context & { readonly lines: Lines } {
  const lines = new Lines(net, signal)
  const vault = (kind: 'secrets' | 'kv'): Vault => ({
    async get(name) {
      const value = (await core.ask({ what: 'get', vault: kind, name })) as string | undefined
      if (kind === 'secrets' && value !== undefined) redactor.learn(value)
      return value
    },
    async set(name, value) {
      if (name.length > NAME || (value?.length ?? 0) > VALUE)
        throw new AdapterError('too-large', 'That is too much to be kept')
      if (kind === 'secrets' && value !== undefined) redactor.learn(value)
      await core.ask({ what: 'set', vault: kind, name, ...(value !== undefined && { value }) })
    },
  })
  const say = (level: LogLevel) => (text: string, about?: Readonly<Record<string, unknown>>) =>
    core.log(level, redactor.text(String(text)), redactor.about(about))
  const log: AdapterLog = { debug: say('debug'), info: say('info'), warn: say('warn') }
  const media: Media = {
    async put(bytes, type) {
      if (bytes.length > PICTURE) throw new AdapterError('too-large', 'The picture is too large')
      return (await core.ask({ what: 'put', bytes, type })) as string
    },
    get: async id => (await core.ask({ what: 'media', id })) as Awaited<ReturnType<Media['get']>>,
  }
  return {
    ...{ settings: init.settings, account: init.account, domain: init.domain, signal, lines, log, media, emit },
    secrets: vault('secrets'),
    kv: vault('kv'),
    clock: timersUntil(net.clock, signal),
    connect: options => lines.connect(options),
    fetch: request => fetchOver(net, lines, request, signal),
    listen: options => listenAt(net, lines, options, signal),
  }
}

/** Time for one session: none of its timers outlives it. */
function timersUntil(clock: Clock, signal: AbortSignal): AdapterClock {
  const running = new Set<() => void>()
  signal.addEventListener(
    'abort',
    () => {
      for (const stop of running) stop()
      running.clear()
    },
    { once: true },
  )
  const keep = (start: (done: () => void) => () => void): (() => void) => {
    if (signal.aborted) return () => {}
    const end = start(() => running.delete(end))
    running.add(end)
    return () => {
      running.delete(end)
      end()
    }
  }
  return {
    now: () => clock.now(),
    after: (ms, run) =>
      keep(done =>
        clock.after(ms, () => {
          done()
          run()
        }),
      ),
    every: (ms, run) => keep(() => clock.every(ms, run)),
  }
}
