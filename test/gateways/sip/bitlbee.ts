import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../ports.ts'
import { Inbox } from './inbox.ts'

/** BitlBee with libpurple's `simple`: a SIP client that is spoken to as an IRC server. */
export class Bitlbee {
  readonly #process: ChildProcess
  readonly #folder: string
  readonly #socket: Socket
  readonly #inbox = new Inbox<string>()

  private constructor(process: ChildProcess, folder: string, socket: Socket) {
    this.#process = process
    this.#folder = folder
    this.#socket = socket
    let rest = ''
    socket.on('error', () => {})
    socket.on('data', chunk => {
      const lines = (rest + chunk.toString()).split('\r\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (line.startsWith('PING')) this.types(line.replace('PING', 'PONG'))
        else this.#inbox.add(line)
      }
    })
  }

  /** Logged in at far.example. */
  static async open(name: string, proxy: number): Promise<Bitlbee> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-bitlbee-'))
    const port = await freePort()
    writeFileSync(join(folder, 'bitlbee.conf'), '[settings]\nRunMode = ForkDaemon\nAuthMode = Open\n')
    const args = [
      '-F',
      '-n',
      '-v',
      '-i',
      '127.0.0.1',
      '-p',
      String(port),
      '-d',
      folder,
      '-c',
      join(folder, 'bitlbee.conf'),
    ]
    const child = spawn('/usr/sbin/bitlbee', args, { env: { ...process.env, HOME: folder }, stdio: 'ignore' })
    const bitlbee = new Bitlbee(child, folder, await dial(port))
    try {
      bitlbee.types(`NICK ${name}\r\nUSER ${name} x x :x`)
      await bitlbee.hears(/ 376 | 422 | JOIN :?&bitlbee/)
      const account = ['useproxy true', 'proxy 127.0.0.1', `port ${proxy}`, 'udp true']
      bitlbee.says('register secret', `account add simple ${name}@far.example secret`)
      bitlbee.says(...account.map(option => `account simple set ${option}`), 'account simple on')
      await bitlbee.hears(/Logged in/)
    } catch (error) {
      await bitlbee.close()
      throw error
    }
    return bitlbee
  }

  types(line: string): void {
    this.#socket.write(`${line}\r\n`)
  }

  /** To the program itself. */
  says(...commands: string[]): void {
    for (const command of commands) this.types(`PRIVMSG &bitlbee :${command}`)
  }

  hears(wanted: RegExp): Promise<string> {
    return this.#inbox.next(String(wanted), line => wanted.test(line))
  }

  async close(): Promise<void> {
    // The one that serves us keeps its settings as it goes, and closes the connection when it has.
    if (!this.#socket.closed) {
      this.types('QUIT')
      await once(this.#socket, 'close')
    }
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGKILL')
      await once(this.#process, 'exit')
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}

async function dial(port: number): Promise<Socket> {
  for (let i = 0; i < 100; i++) {
    const socket = connect(port, '127.0.0.1')
    const open = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => setTimeout(resolve, 100, false))
    })
    if (open) return socket
  }
  throw new Error('BitlBee does not answer')
}
