import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { delimiter } from 'node:path'
import { eventually, type Patience } from './eventually.ts'

/** Servers of the distribution are where only root looks by default. */
export const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** A program under test: what it printed, line by line, and the way to end it. */
export class Child {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #ended: Promise<number>
  #output = ''

  constructor(command: string, args: readonly string[], { env = {}, cwd }: ChildOptions = {}) {
    this.#process = spawn(command, args, {
      // Nothing of the developer's own settings reaches the program.
      env: { PATH: FOLDERS.join(delimiter), LANG: 'C.UTF-8', ...env },
      stdio: 'pipe',
      ...(cwd === undefined ? {} : { cwd }),
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => {
        this.#output += text
      })
    }
    // A program that has ended closes its input: the line that was too late shows in what the test waits for.
    this.#process.stdin.on('error', () => {})
    this.#ended = new Promise(resolve => {
      this.#process.on('error', error => {
        this.#output += `${error.message}\n`
        resolve(-1)
      })
      this.#process.on('close', code => resolve(code ?? -1))
    })
  }

  /** Standard output and standard error so far. */
  get output(): string {
    return this.#output
  }

  /** All that was printed in whole lines. */
  get lines(): readonly string[] {
    return this.#output.split('\n').slice(0, -1)
  }

  /** Resolves with the exit code when it ends by itself. */
  get ended(): Promise<number> {
    return this.#ended
  }

  write(line: string): void {
    this.#process.stdin.write(`${line}\n`)
  }

  closeInput(text = ''): void {
    this.#process.stdin.end(text)
  }

  /** Waits for text in the output. */
  async prints(text: string, patience: Patience = {}): Promise<void> {
    await eventually(`output with ${text}`, () => this.#output.includes(text), {
      seen: () => this.#output,
      ...patience,
    })
  }

  /** Ends it, in any case, and waits until it has gone. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill(signal)
    const late = setTimeout(() => this.#process.kill('SIGKILL'), 5000)
    await this.#ended
    clearTimeout(late)
  }
}
