import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Child } from './child.ts'

/** Whether Redis 7 or newer is installed. */
export function hasRedis(): boolean {
  const { stdout, error } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  return !error && Number.parseInt(/v=(\S+)/.exec(stdout)?.[1] ?? '', 10) >= 7
}

/** Redis with every write on disk before its answer; it may be killed and started again, and forget. */
export class Redis {
  readonly port: number
  readonly #child: Child
  readonly #data: string
  readonly #copy: string

  private constructor(child: Child, port: number, folder: string) {
    this.#child = child
    this.port = port
    this.#data = join(folder, 'redis')
    this.#copy = join(folder, 'redis-earlier')
  }

  static async open(folder: string, port: number): Promise<Redis> {
    const data = join(folder, 'redis')
    mkdirSync(data)
    const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction']
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', data, ...durable]
    const child = new Child({ program: 'redis-server', args, cwd: data, log: join(folder, 'redis.log') })
    const redis = new Redis(child, port, folder)
    await redis.start()
    return redis
  }

  start(): Promise<void> {
    return this.#child.start('Ready to accept connections')
  }

  kill(): Promise<void> {
    return this.#child.end('SIGKILL')
  }

  /** Forgets everything while it runs. */
  flush(): Promise<void> {
    return this.command('FLUSHALL')
  }

  /** Keeps a copy of its files as they are now, while it runs: what a disk that was rolled back holds. */
  copy(): void {
    rmSync(this.#copy, { recursive: true, force: true })
    cpSync(this.#data, this.#copy, { recursive: true })
  }

  /** Puts the copy in place of its files; only while it is down. */
  rollBack(): void {
    rmSync(this.#data, { recursive: true, force: true })
    cpSync(this.#copy, this.#data, { recursive: true })
  }

  stop(): Promise<void> {
    return this.#child.end('SIGTERM')
  }

  command(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(`${text}\r\n`))
      socket.once('data', () => {
        socket.destroy()
        resolve()
      })
      socket.once('error', reject)
    })
  }
}
