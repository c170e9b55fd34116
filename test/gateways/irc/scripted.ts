import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { eventually } from '../../interop/eventually.ts'

/** A server that says what a play has it say. */
export class Scripted {
  readonly heard: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #read = 0

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', socket => {
      this.#sockets.add(socket)
      let rest = ''
      socket.setEncoding('utf8')
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
      socket.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\r\n')
        rest = lines.pop()!
        this.heard.push(...lines)
      })
    })
  }

  static async open(): Promise<Scripted> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Scripted(server)
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  async hears(pattern: RegExp): Promise<string> {
    return await eventually(
      `the server hears ${pattern}`,
      () => {
        const at = this.heard.findIndex((line, index) => index >= this.#read && pattern.test(line))
        if (at === -1) return undefined
        this.#read = at + 1
        return this.heard[at]
      },
      { seen: () => this.heard.slice(this.#read).join('\n') },
    )
  }

  says(...lines: string[]): void {
    for (const socket of this.#sockets) socket.write(lines.map(line => `${line}\r\n`).join(''))
  }

  saysBytes(bytes: Uint8Array): void {
    for (const socket of this.#sockets) socket.write(bytes)
  }

  /** Lets somebody in as a server without extensions does. */
  async welcomes(nick: string, ...features: string[]): Promise<void> {
    await this.hears(/^USER /)
    this.says(
      `:irc.test 001 ${nick} :Welcome`,
      `:irc.test 005 ${nick} ${['CASEMAPPING=ascii', ...features].join(' ')} :are supported`,
      `:irc.test 422 ${nick} :No message of the day`,
    )
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
  }
}
