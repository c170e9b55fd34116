import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../../ports.ts'

const PATIENCE = 15_000
const POLL = 100

/** linphonec, a SIP client without a window: what is typed, and what it says. */
export class Linphone {
  readonly #process: ChildProcess
  readonly #folder: string
  #said = ''
  #heard = () => {}

  private constructor(process: ChildProcess, folder: string) {
    this.#process = process
    this.#folder = folder
    process.stdout!.on('data', chunk => this.#hear(chunk))
    process.stderr!.on('data', chunk => this.#hear(chunk))
  }

  /** Registered at a registrar of far.example. */
  static async open(name: string, registrar: number): Promise<Linphone> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-linphone-'))
    mkdirSync(join(folder, '.local/share/linphone'), { recursive: true })
    const rc = join(folder, 'linphonerc')
    writeFileSync(rc, settings(name, registrar, await freePort()))
    const child = spawn('linphonec', ['-c', rc, '-d', '0'], { env: { ...process.env, HOME: folder, TERM: 'dumb' } })
    const linphone = new Linphone(child, folder)
    try {
      await linphone.says(/linphonec>/)
      // It says when it is registered only to whoever asks.
      for (let state = ''; !state.startsWith('registered,'); ) {
        // Whoever asks again at once keeps it from reading what comes by the network.
        await pause(POLL)
        linphone.type('status register')
        state = (await linphone.says(/^(?:linphonec> *)?(registered[^\n]*|unregistered)/m))[1]!
      }
    } catch (error) {
      await linphone.close()
      throw error
    }
    return linphone
  }

  type(line: string): void {
    this.#process.stdin!.write(`${line}\n`)
  }

  /** What it has said matches, and is taken away up to there. */
  async says(wanted: RegExp): Promise<RegExpExecArray> {
    const until = Date.now() + PATIENCE
    for (;;) {
      const found = wanted.exec(this.#said)
      if (found) {
        this.#said = this.#said.slice(found.index + found[0].length)
        return found
      }
      const left = until - Date.now()
      if (left <= 0) throw new Error(`linphonec did not say ${wanted}:\n${this.#said}`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left)
        this.#heard = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  #hear(chunk: Buffer): void {
    this.#said = (this.#said + chunk.toString()).slice(-50_000)
    this.#heard()
  }

  async close(): Promise<void> {
    if (this.#process.exitCode === null) {
      this.type('quit')
      const stop = setTimeout(() => this.#process.kill('SIGKILL'), 5000)
      await once(this.#process, 'exit')
      clearTimeout(stop)
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function settings(name: string, registrar: number, port: number): string {
  return `[sip]
sip_port=${port}
sip_tcp_port=-2
default_proxy=0
guess_hostname=1
contact="${name}" <sip:${name}@127.0.0.1>
use_info=0
use_ipv6=0
[net]
force_ip=127.0.0.1
bind_address=127.0.0.1
[proxy_0]
reg_proxy=<sip:127.0.0.1:${registrar}>
reg_route=<sip:127.0.0.1:${registrar};lr>
reg_identity=sip:${name}@far.example
reg_expires=600
reg_sendregister=1
publish=1
publish_expires=600
[friend_0]
url="Juliet" <sip:juliet@example.org>
pol=accept
subscribe=1
[misc]
enable_basic_to_client_group_chat_room_migration=0
`
}
