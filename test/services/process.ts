import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const PARLEY = join(root, 'services/parley/bin/parley.js')

/** A server as a process of its own, on the ports that it chose, with the built code. */
export class ServerProcess {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** What it is started with, such as `nice`. */
  wrapper: readonly string[] = []
  readonly #program: string
  #child: ChildProcess | undefined
  #output = ''

  constructor(
    env: Readonly<Record<string, string>> = {},
    folder = mkdtempSync(join(tmpdir(), 'parley-run-')),
    program = PARLEY,
  ) {
    this.folder = folder
    this.#program = program
    // The embedded engine runs as another user and must be able to reach its data.
    chmodSync(folder, 0o711)
    this.env = {
      PATH: process.env['PATH'] ?? '',
      PARLEY_DATA: join(folder, 'data'),
      PARLEY_DOMAINS: 'localhost',
      PARLEY_LOG_FORMAT: 'json',
      ...env,
    }
  }

  get output(): string {
    return this.#output
  }

  get pid(): number {
    return this.#child!.pid!
  }

  /** What is no JavaScript is started as it is. */
  get #command(): readonly string[] {
    return this.#program.endsWith('js') ? [process.execPath, this.#program] : [this.#program]
  }

  /** Starts it and waits until it says that it is ready. */
  async start(): Promise<void> {
    const [program = '', ...args] = [...this.wrapper, ...this.#command, 'serve']
    const child = spawn(program, args, { cwd: this.folder, env: { ...this.env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.#output = ''
    await new Promise<void>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        this.#output += String(chunk)
        if (this.#output.includes('"msg":"ready"')) resolve()
      }
      child.stdout.on('data', read)
      child.stderr.on('data', read)
      child.on('exit', code => reject(new Error(`The server ended with ${code}:\n${this.#output}`)))
    })
  }

  /** Ends it and waits until it has; SIGKILL is the power cut. Gives the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const ended = new Promise<number | null>(resolve => child.on('exit', resolve))
    child.kill(signal)
    return ended
  }

  /** Runs `parley …` beside it; `input` goes to standard input. */
  async cli(args: readonly string[], input = ''): Promise<{ readonly code: number; readonly output: string }> {
    const [program = '', ...first] = this.#command
    const child = spawn(program, [...first, ...args], {
      cwd: this.folder,
      env: { ...this.env },
      stdio: 'pipe',
    })
    let output = ''
    child.stdout.on('data', chunk => (output += String(chunk)))
    child.stderr.on('data', chunk => (output += String(chunk)))
    child.stdin.end(input)
    const code = await new Promise<number>(resolve => child.on('close', status => resolve(status ?? -1)))
    return { code, output }
  }

  /** Makes an account. */
  async user(jid: string, password: string): Promise<void> {
    const { code, output } = await this.cli(['user', 'add', jid], `${password}\n`)
    if (code !== 0) throw new Error(`user add ${jid}: ${output}`)
  }

  /** Stops it and removes its data. */
  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
