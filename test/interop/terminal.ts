import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

/** A terminal of its own (tmux with its own socket) in which a program runs that wants to see one. */
export class Terminal {
  readonly #socket: string

  /** `folder` is the home of the program; nothing of the developer's own settings reaches it. */
  constructor(folder: string, command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#socket = join(folder, 'tmux')
    const all = { HOME: folder, LANG: 'C.UTF-8', TERM: 'screen-256color', ...env }
    const settings = Object.entries(all).map(([name, value]) => `${name}=${value}`)
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '120', '-y', '40', 'env', ...settings, ...command)
    // What the program says at its end stays on the screen.
    this.#tmux('set-option', '-g', 'remain-on-exit', 'on')
  }

  /** What is on the screen, without colours. */
  get screen(): string {
    return this.#tmux('capture-pane', '-p')
  }

  /** Waits for text on the screen, and gives the screen. */
  async shows(text: string | RegExp): Promise<string> {
    const fits = (screen: string) => (typeof text === 'string' ? screen.includes(text) : text.test(screen))
    return eventually(`${text} on the screen`, () => (fits(this.screen) ? this.screen : undefined), {
      seen: () => this.screen,
    })
  }

  /** Types a line and presses Enter. */
  enter(line: string): void {
    this.#tmux('send-keys', '-l', line)
    this.#tmux('send-keys', 'Enter')
  }

  /** Ends the program and its terminal. */
  close(): void {
    this.#tmux('kill-server')
  }

  #tmux(...args: readonly string[]): string {
    const { stdout, stderr, status } = spawnSync('tmux', ['-u', '-S', this.#socket, ...args], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`)
    return stdout
  }
}
