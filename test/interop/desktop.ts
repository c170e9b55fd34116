import { spawnSync } from 'node:child_process'
import { Child } from './child.ts'
import { eventually } from './eventually.ts'

interface Size {
  readonly width: number
  readonly height: number
}
const SIZE: Size = { width: 800, height: 500 }

/** An X11 display in memory with a window manager: what a graphical client needs to be used by a test. */
export class Desktop {
  readonly #server: Child
  readonly #windows: Child
  readonly #display: string

  private constructor(server: Child, display: string, home: string) {
    this.#server = server
    this.#display = display
    this.#windows = new Child('openbox', [], { env: { ...this.env, HOME: home } })
  }

  /** @param size of the screen, in pixels */
  static async open(home: string, { width, height } = SIZE): Promise<Desktop> {
    const screen = `${width}x${height}x24`
    // The server looks for a free number itself, and prints it when clients may come. It must not start anew when its
    // only client leaves, which may be a probe of ours while the window manager is on its way.
    const server = new Child('Xvfb', ['-displayfd', '1', '-screen', '0', screen, '-nolisten', 'tcp', '-noreset'])
    const number = await eventually('a display', () => server.lines.find(line => /^\d+$/.test(line)), {
      seen: () => server.output,
    })
    const desktop = new Desktop(server, `:${number}`, home)
    try {
      await eventually('a window manager', () => desktop.#try('xdotool', ['get_desktop']) !== undefined, {
        seen: () => desktop.#windows.output,
      })
    } catch (error) {
      await desktop.close()
      throw error
    }
    return desktop
  }

  get env(): Readonly<Record<string, string>> {
    return { DISPLAY: this.#display }
  }

  /** Waits for a window with this title and gives its id. */
  async window(title: string): Promise<string> {
    return eventually(`a window ${title}`, () => this.#find(title)?.at(-1), { seen: () => this.titles.join('\n') })
  }

  /** The titles of all windows that are shown. */
  get titles(): readonly string[] {
    return (this.#find('') ?? []).map(id => this.#try('xdotool', ['getwindowname', id])?.trim() ?? '')
  }

  /** Waits until no window has this title. */
  async gone(title: string): Promise<void> {
    await eventually(`no window ${title}`, () => !this.#find(title)?.length, { seen: () => this.titles.join('\n') })
  }

  /** Types a line into a window and presses Return. */
  async enter(window: string, line: string): Promise<void> {
    this.type(window, line)
    this.press(window, 'Return')
  }

  /** Types where the cursor of a window is. */
  type(window: string, text: string): void {
    this.show(window)
    this.#run('xdotool', ['type', '--delay', '8', text])
  }

  /** Presses keys in a window, such as `ctrl+b`, one after another. */
  press(window: string, ...keys: readonly string[]): void {
    this.show(window)
    this.#run('xdotool', ['key', ...keys])
  }

  /** Brings a window to the front. */
  show(window: string): void {
    this.#run('xdotool', ['windowactivate', '--sync', window])
  }

  /** Moves a window, in pixels. */
  place(window: string, { x, y, width, height }: Readonly<Record<'x' | 'y' | 'width' | 'height', number>>): void {
    this.#run('xdotool', ['windowsize', window, `${width}`, `${height}`])
    this.#run('xdotool', ['windowmove', window, `${x}`, `${y}`])
  }

  /** Writes what is on the screen to a PNG file; the bare background gets a colour. `colors`: no more than so many. */
  picture(file: string, colors?: number): void {
    const background = ['-fill', '#4a6f96', '-draw', 'color 0,0 floodfill']
    const few = colors === undefined ? [] : ['+dither', '-colors', `${colors}`]
    this.#run('import', ['-window', 'root', '-depth', '8', file])
    this.#run('convert', [file, ...background, ...few, colors === undefined ? file : `PNG8:${file}`])
  }

  async close(): Promise<void> {
    await this.#windows.end()
    await this.#server.end()
  }

  #find(title: string): readonly string[] | undefined {
    const found = this.#try('xdotool', ['search', '--onlyvisible', '--name', title])
    return found?.split('\n').filter(id => id !== '')
  }

  #run(program: string, args: readonly string[]): string {
    const output = this.#try(program, args)
    if (output === undefined) throw new Error(`${program} ${args.join(' ')} failed`)
    return output
  }

  #try(program: string, args: readonly string[]): string | undefined {
    const env = { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', ...this.env }
    const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', env, timeout: 10_000 })
    return status === 0 ? stdout : undefined
  }
}
