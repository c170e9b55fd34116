import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, type WriteStream } from 'node:fs'
import { connect } from 'node:net'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
  /** Where its output goes, behind what is there. */
  readonly log: string
}

const KEPT = 20_000

const running = new Set<ChildProcess>()

/** Ends all that was started here, at once: for a run that is broken off. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** A process that may be killed and started again with the same command. */
export class Child {
  readonly #command: Command
  readonly #log: WriteStream
  #process: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()
  #output = ''
  #asked = false
  /** How often it has ended without being told to. */
  crashes = 0

  constructor(command: Command) {
    this.#command = command
    this.#log = createWriteStream(command.log, { flags: 'a' })
  }

  get pid(): number | undefined {
    return this.isRunning ? this.#process!.pid : undefined
  }

  get isRunning(): boolean {
    const child = this.#process
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  /** Starts it; resolves when it has said `ready`, rejects when it ends before or takes longer than `patience` (ms). */
  async start(ready: string, patience = 30_000): Promise<void> {
    const { program, args, cwd, env, user } = this.#command
    this.#output = ''
    this.#asked = false
    const child = spawn(program, args, {
      cwd,
      ...user,
      ...(env && { env: { ...env } }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    running.add(child)
    this.#ended = new Promise(resolve => {
      child.once('exit', () => {
        running.delete(child)
        if (!this.#asked) this.crashes++
        resolve()
      })
    })
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${program} is not ready:\n${this.#output}`)), patience)
      const settle = (done: () => void) => {
        clearTimeout(late)
        done()
      }
      const read = (chunk: Buffer) => {
        this.#log.write(chunk)
        this.#output = (this.#output + chunk).slice(-KEPT)
        if (this.#output.includes(ready)) settle(resolve)
      }
      child.stdout!.on('data', read)
      child.stderr!.on('data', read)
      child.once('error', error => settle(() => reject(error)))
      child.once('exit', code => settle(() => reject(new Error(`${program} ended with ${code}:\n${this.#output}`))))
    })
  }

  signal(name: NodeJS.Signals): void {
    if (this.isRunning) this.#process!.kill(name)
  }

  /** Sends a signal that ends it, and resolves when it has. */
  async end(name: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.isRunning) return this.#ended
    this.#asked = true
    // A stopped process takes no other signal but SIGKILL.
    if (name !== 'SIGKILL') this.#process!.kill('SIGCONT')
    this.#process!.kill(name)
    await this.#ended
  }
}

/** Whether a port takes connections. */
export function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
