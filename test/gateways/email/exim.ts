import { execFile, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from '../../interop/eventually.ts'
import { freePort } from '../../ports.ts'

const EXIM = '/usr/sbin/exim4'
const SWAKS = '/usr/bin/swaks'
export const installed = existsSync(EXIM) && existsSync(SWAKS) && process.getuid?.() === 0

/** Exim of Debian: takes what we send, has a mailbox for juliet@verona.test, and hands over what is for us. */
export class Exim {
  readonly port: number
  readonly #folder: string
  readonly #child: ReturnType<typeof spawn>
  #read = 0

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.port = port
    this.#child = spawn(EXIM, ['-C', join(folder, 'exim.conf'), '-bdf', '-q1m'], { stdio: 'ignore' })
  }

  /** @param ours the port on which we take mail */
  static async open(ours: number): Promise<Exim> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-mail-'))
    const port = await freePort()
    const id = (flag: string) => Number(execFileSync('id', [flag, 'Debian-exim'], { encoding: 'utf8' }))
    const user = id('-u')
    const group = id('-g')
    for (const name of ['', 'spool', 'log', 'mail']) {
      mkdirSync(join(folder, name), { recursive: true })
      chownSync(join(folder, name), user, group)
    }
    writeFileSync(join(folder, 'exim.conf'), configuration(folder, port, ours), { mode: 0o644 })
    const exim = new Exim(folder, port)
    await eventually('Exim listens', () => exim.log.includes('listening for SMTP') || undefined, {
      seen: () => exim.log,
    })
    return exim
  }

  get log(): string {
    const path = join(this.#folder, 'log', 'main')
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }

  /** The next mail in Juliet's mailbox, with its envelope's sender in a field. */
  async mail(): Promise<string> {
    return await eventually(
      'Juliet has mail',
      () => {
        const path = join(this.#folder, 'mail', 'juliet')
        const mails = existsSync(path) ? readFileSync(path, 'utf8').split('END-OF-MAIL\n').slice(0, -1) : []
        return mails.length > this.#read ? mails[this.#read++] : undefined
      },
      { seen: () => this.log },
    )
  }

  async close(): Promise<void> {
    const gone = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await gone
    // What it delivers at the moment outlives it by a little.
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}

/** Sends a mail as somebody else's program does. */
export async function swaks(
  port: number,
  from: string,
  to: string,
  ...more: string[]
): Promise<{ readonly ok: boolean; readonly said: string }> {
  const where = ['--server', '127.0.0.1', '--port', String(port), '--helo', 'verona.test', '--timeout', '10']
  try {
    const { stdout } = await promisify(execFile)(SWAKS, [...where, '--from', from, '--to', to, ...more])
    return { ok: true, said: stdout }
  } catch (error) {
    return { ok: false, said: String((error as { stdout?: string }).stdout) }
  }
}

function configuration(folder: string, port: number, ours: number): string {
  return `primary_hostname = mx.verona.test
spool_directory = ${folder}/spool
log_file_path = ${folder}/log/%s
pid_file_path = ${folder}/spool/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
keep_environment =
tls_advertise_hosts =
message_size_limit = 10M
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
rcpt:
  deny domains = verona.test
       !local_parts = juliet
       message = 5.1.1 nobody
  accept
data:
  accept
begin routers
ours:
  driver = manualroute
  domains = email.example.org
  transport = out
  route_list = * 127.0.0.1 byname
  self = send
juliet:
  driver = accept
  domains = verona.test
  local_parts = juliet
  transport = box
begin transports
out:
  driver = smtp
  hosts = 127.0.0.1
  port = ${ours}
  allow_localhost = true
  hosts_try_fastopen =
box:
  driver = appendfile
  file = ${folder}/mail/juliet
  user = Debian-exim
  envelope_to_add = true
  return_path_add = true
  message_prefix =
  check_string =
  escape_string =
  message_suffix = END-OF-MAIL\\n
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = \${if and{{eq{$auth2}{parley}}{eq{$auth3}{a-good-secret}}}}
  server_set_id = $auth2
  server_advertise_condition = *
`
}
