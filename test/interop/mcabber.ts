import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DOMAIN, password, type Stage } from './stage.ts'
import { Terminal } from './terminal.ts'

/** mcabber on a screen, with an account for the server. */
export class Mcabber {
  readonly terminal: Terminal
  readonly #home: string

  constructor(stage: Stage, username: string) {
    const home = stage.folder('mcabber')
    mkdirSync(join(home, 'logs'), { mode: 0o700 })
    const values = {
      username,
      server: DOMAIN,
      port: stage.ports.client,
      password: password(username),
      jid: `${username}@${DOMAIN}`,
      resource: 'mcabber',
      tls: 1,
      ssl_ca: stage.certificate,
      fifo_name: join(home, 'fifo'),
      logging: 1,
      logging_dir: join(home, 'logs'),
      log_muc_conf: 1,
      load_logs: 0,
    }
    const lines = Object.entries(values).map(([name, value]) => `set ${name} = ${value}`)
    writeFileSync(join(home, 'mcabberrc'), `${lines.join('\n')}\nmodule load fifo\n`, { mode: 0o600 })
    this.#home = home
    this.terminal = new Terminal(home, ['mcabber', '-f', join(home, 'mcabberrc')])
  }

  /** It logs in by itself. */
  async login(): Promise<void> {
    await this.terminal.shows('Your status has been set')
  }

  /** Commands come through the named pipe, as from a script. */
  command(line: string): void {
    appendFileSync(join(this.#home, 'fifo'), `${line}\n`)
  }

  /** What it has kept of a conversation. */
  logOf(jid: string): string {
    const path = join(this.#home, 'logs', jid)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
}
