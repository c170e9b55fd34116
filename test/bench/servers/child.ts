import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withChildren } from '../load/processes.ts'
import { held } from '../machine.ts'

const PATIENCE = 20_000

/** Those that run. However this process ends, nothing is left behind. */
const running = new Set<number>()
process.on('exit', () => {
  for (const pid of withChildren([...running])) kill(pid, 'SIGKILL')
})

export interface Start {
  readonly command: readonly [string, ...string[]]
  /** Where the process runs, and its log is written. */
  readonly folder: string
  readonly name: string
  /** The core that it and its children are held on; undefined where cores cannot be chosen. */
  readonly core: number | undefined
  readonly env?: Readonly<Record<string, string>>
  /** The user that it runs as; absent: ours. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
}

/** A process of a server. It is ended by number, with all that it started. */
export class Child {
  readonly name: string
  readonly pid: number
  readonly #process: ChildProcess
  readonly #ended: Promise<void>
  readonly #log: string

  constructor({ command, folder, name, core, env, user }: Start) {
    this.name = name
    this.#log = join(folder, `${name}.log`)
    const log = openSync(this.#log, 'a')
    const [program, ...args] = held(core, command)
    this.#process = spawn(program, args, {
      cwd: folder,
      // A session of its own: Ctrl-C reaches the benchmark, which then ends it in order.
      detached: true,
      stdio: ['ignore', log, log],
      env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', ...env },
      ...user,
    })
    closeSync(log)
    this.#ended = new Promise(resolve => {
      this.#process.once('error', () => resolve())
      this.#process.once('exit', () => resolve())
    })
    this.pid = this.#process.pid ?? 0
    if (this.pid > 0) running.add(this.pid)
  }

  /** The end of what it has written. */
  get lastWords(): string {
    return readFileSync(this.#log, 'utf8').trim().split('\n').slice(-2).join(' · ')
  }

  /** Resolves when `ready` does not throw any more. Rejects when the process ends first. */
  async until(ready: () => Promise<void>): Promise<void> {
    const ended = this.#ended.then(() => Promise.reject(new Error(`${this.name} ended: ${this.lastWords}`)))
    ended.catch(() => {})
    const began = Date.now()
    for (;;) {
      const failure = await Promise.race([ready().then(() => undefined), ended]).catch((error: Error) => error)
      if (!failure) return
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) throw failure
      if (Date.now() - began > PATIENCE) throw new Error(`${this.name} does not answer: ${this.lastWords}`)
      await sleep(50)
    }
  }

  /** Ends it as `signal` asks, and what is left of it and its children by force. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', of: number = this.pid): Promise<void> {
    if (this.pid === 0) return
    const family = withChildren([this.pid]).map(pid => ({ pid, started: startOf(pid) }))
    const alive = () => family.filter(({ pid, started }) => started !== undefined && startOf(pid) === started)
    kill(of, signal)
    // Whoever is killed has no time to end its children.
    const patience = signal === 'SIGKILL' ? 0 : PATIENCE
    for (const began = Date.now(); alive().length > 0 && Date.now() - began < patience; ) await sleep(20)
    for (const { pid } of alive()) kill(pid, 'SIGKILL')
    await this.#ended
    running.delete(this.pid)
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

/** When a process was started (field 22 of its stat): numbers are given again. Undefined for one that has ended. */
function startOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
