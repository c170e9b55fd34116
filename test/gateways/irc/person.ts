import { connect, type Socket } from 'node:net'
import { eventually } from '../../interop/eventually.ts'

/** Somebody on the network with a terminal: lines, and nothing else. */
export class Person {
  readonly lines: string[] = []
  readonly nick: string
  readonly #socket: Socket
  #read = 0
  #watcher: ((line: string) => void) | undefined

  private constructor(port: number, nick: string) {
    this.nick = nick
    this.#socket = connect(port, '127.0.0.1')
    let rest = ''
    this.#socket.setEncoding('utf8')
    this.#socket.on('error', () => {})
    this.#socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (line.startsWith('PING')) this.says(line.replace('PING', 'PONG'))
        this.lines.push(line)
        this.#watcher?.(line)
      }
    })
  }

  static async enter(port: number, nick: string, capabilities = ''): Promise<Person> {
    const person = new Person(port, nick)
    if (capabilities) person.says(`CAP REQ :${capabilities}`)
    person.says(`NICK ${nick}`)
    person.says(`USER ${nick} 0 * :${nick} of Verona`)
    if (capabilities) person.says('CAP END')
    await person.sees(/ (?:376|422) /)
    return person
  }

  watch(watcher: (line: string) => void): void {
    this.#watcher = watcher
  }

  says(line: string): void {
    this.#socket.write(`${line}\r\n`)
  }

  /** The next line like that, from where the last one was. */
  async sees(pattern: RegExp): Promise<string> {
    return await eventually(
      `${this.nick} sees ${pattern}`,
      () => {
        const at = this.lines.findIndex((line, index) => index >= this.#read && pattern.test(line))
        if (at === -1) return undefined
        this.#read = at + 1
        return this.lines[at]
      },
      { seen: () => this.lines.slice(this.#read).join('\n') },
    )
  }

  /** Gone when the server has closed the connection: the nickname is free. */
  async leave(): Promise<void> {
    if (this.#socket.closed) return
    const closed = new Promise(resolve => this.#socket.once('close', resolve))
    this.says('QUIT')
    await closed
  }
}
