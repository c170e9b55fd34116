import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'

export interface FrontParts {
  readonly program: string
  readonly folder: string
  readonly name: string
  readonly port: number
  /** Absent: the embedded engine, live state in memory. */
  readonly database?: string
  readonly redis?: string
  /** Absent: it is at home at {@link DOMAIN} and speaks with no other domain. */
  readonly federation?: Federation
}

/** How a front end speaks with those of another domain. */
export interface Federation {
  readonly domain: string
  /** Where other servers connect. */
  readonly port: number
  /** The name server that knows both domains, `address:port`. */
  readonly names: string
}

export const DOMAIN = 'localhost'

/** One server process. Killed, frozen or drained and started again, it has the same port and data folder. */
export class Front {
  readonly name: string
  readonly port: number
  readonly data: string
  readonly #child: Child
  /** The largest resident set seen of any of its processes, MiB. */
  memory = 0
  isFrozen = false

  constructor({ program, folder, name, port, database, redis, federation }: FrontParts) {
    this.name = name
    this.port = port
    const home = join(folder, name)
    mkdirSync(home)
    // The embedded engine runs as another user and must be able to reach its data.
    chmodSync(home, 0o711)
    this.data = join(home, 'data')
    this.#child = new Child({
      program: process.execPath,
      args: ['--max-semi-space-size=64', program, ...configure(home, federation), 'serve'],
      cwd: home,
      env: {
        PATH: process.env['PATH'] ?? '',
        PARLEY_DATA: this.data,
        PARLEY_DOMAINS: federation?.domain ?? DOMAIN,
        PARLEY_LISTEN_CLIENT: `127.0.0.1:${port}`,
        PARLEY_TLS_CLIENT: 'optional',
        PARLEY_REGISTRATION: 'open',
        PARLEY_AUTH_ITERATIONS: '4096',
        PARLEY_LIMITS_CONNECTIONS: '0',
        PARLEY_LIMITS_LOGINS: '0',
        PARLEY_LIMITS_STANZAS: '0',
        PARLEY_LIMITS_REGISTRATIONS: '0',
        PARLEY_LIMITS_OFFLINE: '1000000',
        PARLEY_MODULES_PRESENCE_CHANGES: '0',
        PARLEY_LOG_FORMAT: 'json',
        ...(database !== undefined && { PARLEY_DATABASE: database }),
        ...(redis !== undefined && { PARLEY_REDIS: redis }),
      },
      log: join(folder, `${name}.log`),
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get isRunning(): boolean {
    return this.#child.isRunning
  }

  get crashes(): number {
    return this.#child.crashes
  }

  start(): Promise<void> {
    return this.#child.start('"msg":"ready"')
  }

  kill(): Promise<void> {
    this.measure()
    this.isFrozen = false
    return this.#child.end('SIGKILL')
  }

  /** Stops it in order, as a rolling restart does. */
  drain(): Promise<void> {
    this.measure()
    return this.#child.end('SIGTERM')
  }

  freeze(): void {
    this.isFrozen = true
    this.#child.signal('SIGSTOP')
  }

  thaw(): void {
    this.isFrozen = false
    this.#child.signal('SIGCONT')
  }

  measure(): void {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
      this.memory = Math.max(this.memory, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
    } catch {
      // It has just ended.
    }
  }
}

/** What environment variables cannot say well. */
function configure(home: string, federation: Federation | undefined): readonly string[] {
  if (!federation) return []
  const file = join(home, 'parley.yaml')
  const { port, names } = federation
  writeFileSync(
    file,
    `listen: { server: "127.0.0.1:${port}" }
federation: { dns: ["${names}"], allow: [127.0.0.0/8], limits: { discovered: 0, allowed: 0, contacts: 0 } }
`,
  )
  return ['--config', file]
}
