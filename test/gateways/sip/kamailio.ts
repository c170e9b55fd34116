import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../ports.ts'

const TABLES = '/usr/share/kamailio/db_sqlite'
const MODULES = '/usr/lib/x86_64-linux-gnu/kamailio/modules/'

/** Kamailio at far.example, with presence of its own; what is for example.org goes to us by TCP. */
export class Kamailio {
  readonly port: number
  readonly folder: string
  readonly #process: ChildProcess

  private constructor(port: number, folder: string, process: ChildProcess) {
    this.port = port
    this.folder = folder
    this.#process = process
  }

  /** @param ours where example.org is */
  static async open(ours: number): Promise<Kamailio> {
    const port = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'parley-kamailio-'))
    const database = join(folder, 'kamailio.db')
    for (const table of ['standard', 'usrloc', 'presence'])
      execFileSync('sqlite3', [database], { input: readFileSync(join(TABLES, `${table}-create.sql`)) })
    writeFileSync(join(folder, 'kamailio.cfg'), config(port, ours, database))
    const options = [
      '-f',
      join(folder, 'kamailio.cfg'),
      '-DD',
      '-E',
      '-m',
      '32',
      '-M',
      '4',
      '-Y',
      folder,
      '-L',
      MODULES,
    ]
    const child = spawn('/usr/sbin/kamailio', options, { stdio: ['ignore', 'pipe', 'pipe'] })
    const kamailio = new Kamailio(port, folder, child)
    let said = ''
    child.stderr.on('data', chunk => {
      said = (said + chunk).slice(-4000)
    })
    child.stdout.resume()
    for (let i = 0; i < 100; i++) {
      if (child.exitCode !== null) throw new Error(`Kamailio has ended:\n${said}`)
      if (await answers(port)) return kamailio
    }
    await kamailio.close()
    throw new Error(`Kamailio does not answer:\n${said}`)
  }

  async close(): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGTERM')
      const stop = setTimeout(() => this.#process.kill('SIGKILL'), 5000)
      await once(this.#process, 'exit')
      clearTimeout(stop)
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function answers(port: number): Promise<boolean> {
  const { connect } = await import('node:net')
  const socket = connect(port, '127.0.0.1')
  const open = await new Promise<boolean>(resolve => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => setTimeout(resolve, 100, false))
  })
  socket.destroy()
  return open
}

/** One worker and caches in memory: several workers lock each other out of SQLite. */
function config(port: number, ours: number, database: string): string {
  return `#!KAMAILIO
debug=1
log_stderror=yes
memdbg=5
memlog=5
children=1
tcp_children=1
auto_aliases=no
alias="far.example"
listen=udp:127.0.0.1:${port}
listen=tcp:127.0.0.1:${port}
tcp_connection_lifetime=3605
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "db_sqlite.so"
loadmodule "presence.so"
loadmodule "presence_xml.so"
modparam("usrloc", "db_mode", 0)
modparam("presence", "db_url", "sqlite://${database}")
modparam("presence", "publ_cache", 2)
modparam("presence", "subs_db_mode", 0)
modparam("presence", "server_address", "sip:127.0.0.1:${port};transport=tcp")
modparam("presence", "fetch_rows", 100)
modparam("presence_xml", "db_url", "sqlite://${database}")
modparam("presence_xml", "force_active", 1)
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("PUBLISH") || (is_method("SUBSCRIBE") && is_present_hf("X-Published"))) {
    t_newtran();
    if (is_method("PUBLISH")) handle_publish(); else handle_subscribe();
    exit;
  }
  if (has_totag()) {
    if (loose_route()) {
      if (uri==myself) lookup("location");
      t_relay();
      exit;
    }
    if (is_method("SUBSCRIBE") && uri==myself) { t_newtran(); handle_subscribe(); exit; }
    t_relay();
    exit;
  }
  if ($rd == "example.org") {
    record_route();
    $du = "sip:127.0.0.1:${ours};transport=tcp";
    t_relay();
    exit;
  }
  if (is_method("REGISTER")) { save("location"); exit; }
  if (is_method("SUBSCRIBE")) { t_newtran(); handle_subscribe(); exit; }
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  record_route();
  t_relay();
}
`
}
