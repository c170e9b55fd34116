import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../ports.ts'
import { ServerProcess } from '../../services/process.ts'
import { Wired } from './wired.ts'

/** A Redis of one's own, to be harmed. */
export class OwnRedis {
  readonly url: string
  readonly port: number
  readonly #folder: string
  readonly #data: string
  #child: ChildProcess | undefined

  private constructor(port: number) {
    this.port = port
    this.url = `redis://127.0.0.1:${port}`
    this.#folder = mkdtempSync(join(tmpdir(), 'parley-own-redis-'))
    this.#data = join(this.#folder, 'data')
    mkdirSync(this.#data)
  }

  static async open(): Promise<OwnRedis> {
    const redis = new OwnRedis(await freePort())
    await redis.start()
    return redis
  }

  start(): Promise<void> {
    const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction']
    const place = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#data]
    const child = spawn('redis-server', [...place, ...durable], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    return new Promise((resolve, reject) => {
      child.stdout.on('data', text => String(text).includes('Ready to accept connections') && resolve())
      child.on('exit', code => reject(new Error(`Redis ended with ${code}`)))
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async kill(): Promise<void> {
    const child = this.#child!
    const ended = new Promise(resolve => child.on('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  /** Keeps a copy of its files as they are now: what a disk that is rolled back will hold. */
  remember(): void {
    cpSync(this.#data, `${this.#folder}/earlier`, { recursive: true })
  }

  /** Puts the copy in place of its files; only while it is down. */
  rollBack(): void {
    rmSync(this.#data, { recursive: true })
    cpSync(`${this.#folder}/earlier`, this.#data, { recursive: true })
  }

  /** One command as it would be typed; gives the first line of the answer. */
  say(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(`${text}\r\n`))
      socket.once('data', bytes => {
        socket.destroy()
        resolve(String(bytes).split('\r\n', 1)[0]!)
      })
      socket.once('error', reject)
    })
  }

  async remove(): Promise<void> {
    this.signal('SIGCONT')
    if (this.#child?.exitCode === null && this.#child.signalCode === null) await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** `held`: nothing goes through until it is open again, as where packets get lost; a number: milliseconds for each piece. */
type Weather = 'open' | 'cut' | 'held' | number

/** A way to a server whose weather can change. */
export class Passage {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #weather: Weather = 'open'

  private constructor(server: Server, target: NetConnectOpts) {
    this.#server = server
    this.port = (server.address() as { port: number }).port
    server.on('connection', inner => this.#join(inner, connect(target)))
  }

  static async open(target: NetConnectOpts): Promise<Passage> {
    const server = createServer({ noDelay: true })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new Passage(server, target)
  }

  /** A way to the database of a `postgres:` URL, and the URL that leads through it. */
  static async toDatabase(url: string): Promise<{ readonly passage: Passage; readonly url: string }> {
    const parts = new URL(url)
    const host = decodeURIComponent(parts.hostname) || '127.0.0.1'
    const port = parts.port || '5432'
    const target = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port: Number(port) }
    const passage = await Passage.open(target)
    const at = parts.username === '' ? '' : `${parts.username}${parts.password && `:${parts.password}`}@`
    return { passage, url: `postgres://${at}127.0.0.1:${passage.port}${parts.pathname}` }
  }

  set weather(weather: Weather) {
    this.#weather = weather
    for (const socket of this.#sockets) {
      if (weather === 'cut') socket.destroy()
      else if (weather === 'held') socket.pause()
      else socket.resume()
    }
  }

  close(): void {
    this.weather = 'cut'
    this.#server.close()
  }

  #join(inner: Socket, outer: Socket): void {
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      this.#sockets.add(from)
      from.on('data', bytes => this.#carry(bytes, to))
      from.on('error', () => undefined)
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
    // What is under way gets the weather of now.
    this.weather = this.#weather
  }

  #carry(bytes: Buffer, to: Socket): void {
    if (typeof this.#weather === 'number') setTimeout(() => to.writable && to.write(bytes), this.#weather)
    else to.write(bytes)
  }
}

/** A server process with a plain port for clients on loopback, and nothing that holds a test client back. */
export class Node {
  readonly process: ServerProcess
  readonly port: number

  private constructor(process: ServerProcess, port: number) {
    this.process = process
    this.port = port
  }

  static async open(
    env: Readonly<Record<string, string>>,
    folder?: string,
    wrapper: readonly string[] = [],
  ): Promise<Node> {
    const port = await freePort()
    const process = new ServerProcess(
      {
        PARLEY_LISTEN_CLIENT: `127.0.0.1:${port}`,
        PARLEY_TLS_CLIENT: 'optional',
        PARLEY_AUTH_ITERATIONS: '4096',
        PARLEY_LIMITS_CONNECTIONS: '0',
        PARLEY_LIMITS_LOGINS: '0',
        PARLEY_LIMITS_STANZAS: '0',
        PARLEY_LIMITS_REGISTRATIONS: '0',
        PARLEY_REGISTRATION: 'open',
        ...env,
      },
      folder,
    )
    process.wrapper = wrapper
    const node = new Node(process, port)
    await process.start()
    return node
  }

  /** Makes accounts. */
  async users(...names: readonly string[]): Promise<void> {
    for (const name of names) await Wired.register(this.port, name)
  }

  get log(): readonly LogLine[] {
    return this.process.output
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as LogLine)
  }

  /** Lines that match, of the levels that an operator looks at. */
  complaints(about: RegExp): readonly LogLine[] {
    return this.log.filter(({ level, msg }) => (level === 'warn' || level === 'error') && about.test(msg))
  }

  /** Resident memory, MiB. */
  get memory(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.process.pid}/status`, 'utf8'))?.[1]) / 1024
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.process.pid, signal)
  }

  async remove(): Promise<void> {
    this.signalIfThere('SIGCONT')
    await this.process.stop('SIGKILL')
    await this.process.remove()
  }

  signalIfThere(signal: NodeJS.Signals): void {
    try {
      this.signal(signal)
    } catch {
      // It has ended.
    }
  }
}

export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}
