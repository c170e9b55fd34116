import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../../interop/eventually.ts'
import { freePort } from '../../ports.ts'

/** A Python that has Synapse (`pip install matrix-synapse`). */
const PYTHON = process.env['PARLEY_TEST_SYNAPSE'] ?? 'python3'
export const installed = spawnSync(PYTHON, ['-c', 'import synapse.app.homeserver'], { stdio: 'ignore' }).status === 0

export const SERVER = 'verona.test'
export const AS_TOKEN = 'the-gateway-comes-with-this'
export const HS_TOKEN = 'the-homeserver-comes-with-this'

/** Synapse with our gateway as its application service. */
export class Synapse {
  readonly port: number
  readonly #folder: string
  readonly #child: ChildProcess

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.port = port
    this.#child = spawn(PYTHON, ['-m', 'synapse.app.homeserver', '-c', join(folder, 'homeserver.yaml')], {
      cwd: folder,
      stdio: 'ignore',
    })
  }

  /** @param ours the port of the gateway */
  static async open(ours: number): Promise<Synapse> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-matrix-'))
    const port = await freePort()
    writeFileSync(join(folder, 'homeserver.yaml'), homeserver(folder, port))
    writeFileSync(join(folder, 'log.yaml'), logging(folder))
    writeFileSync(join(folder, 'as.yaml'), registration(ours))
    spawnSync(PYTHON, ['-m', 'synapse.app.homeserver', '-c', join(folder, 'homeserver.yaml'), '--generate-keys'])
    const synapse = new Synapse(folder, port)
    const answers = () =>
      fetch(`${synapse.url}/_matrix/client/versions`).then(
        () => true,
        () => false,
      )
    await eventually('Synapse answers', answers, { within: 60_000, seen: () => synapse.log })
    return synapse
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get log(): string {
    const path = join(this.#folder, 'homeserver.log')
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(-60).join('\n') : ''
  }

  async close(): Promise<void> {
    const gone = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await gone
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Somebody with an account there, by the Client-Server API. */
export class MatrixPerson {
  readonly id: string
  readonly seen: Record<string, unknown>[] = []
  readonly #url: string
  readonly #token: string
  #since = ''
  #count = 0

  private constructor(url: string, id: string, token: string) {
    this.#url = url
    this.id = id
    this.#token = token
  }

  static async register(url: string, username: string): Promise<MatrixPerson> {
    const body = { username, password: 'a password of hers', auth: { type: 'm.login.dummy' } }
    const response = await fetch(`${url}/_matrix/client/v3/register`, { method: 'POST', body: JSON.stringify(body) })
    const { user_id, access_token } = (await response.json()) as { user_id: string; access_token: string }
    return new MatrixPerson(url, user_id, access_token)
  }

  async call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.#url}/_matrix/client/v3/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const answer = (await response.json()) as Record<string, unknown>
    if (response.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer)}`)
    return answer
  }

  /** Gives the id of what was sent. */
  async sends(room: string, type: string, content: object): Promise<string> {
    const path = `rooms/${encodeURIComponent(room)}/send/${type}/t${++this.#count}`
    return (await this.call('PUT', path, content))['event_id'] as string
  }

  async says(room: string, body: string, more: object = {}): Promise<string> {
    return await this.sends(room, 'm.room.message', { msgtype: 'm.text', body, ...more })
  }

  /** What comes next that fits: events of rooms with their room, invitations as `invite`. */
  async sees(what: string, fits: (event: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    return await eventually(
      `${this.id} sees ${what}`,
      async () => {
        const at = this.seen.findIndex(fits)
        if (at !== -1) return this.seen.splice(0, at + 1).at(-1)
        await this.#sync()
        return undefined
      },
      { seen: () => this.seen.map(each => JSON.stringify(each)).join('\n') },
    )
  }

  async #sync(): Promise<void> {
    const since = this.#since ? `&since=${this.#since}` : ''
    const answer = (await this.call('GET', `sync?timeout=500${since}`)) as unknown as Sync
    this.#since = answer.next_batch
    for (const room of Object.keys(answer.rooms?.invite ?? {})) this.seen.push({ type: 'invite', room_id: room })
    for (const [room, { timeline, ephemeral }] of Object.entries(answer.rooms?.join ?? {}))
      for (const event of [...timeline.events, ...ephemeral.events]) this.seen.push({ ...event, room_id: room })
    this.seen.push(...(answer.presence?.events ?? []))
  }
}

interface Sync {
  readonly next_batch: string
  readonly rooms?: {
    readonly invite?: Readonly<Record<string, object>>
    readonly join?: Readonly<Record<string, { readonly timeline: Events; readonly ephemeral: Events }>>
  }
  readonly presence?: Events
}
interface Events {
  readonly events: readonly Record<string, unknown>[]
}

const RATE = '{ per_second: 10000, burst_count: 10000 }'

function homeserver(folder: string, port: number): string {
  return `server_name: ${SERVER}
pid_file: ${folder}/pid
listeners:
  - { port: ${port}, bind_addresses: [127.0.0.1], type: http, tls: false, resources: [{ names: [client] }] }
database: { name: sqlite3, args: { database: ${folder}/homeserver.db } }
log_config: ${folder}/log.yaml
media_store_path: ${folder}/media
signing_key_path: ${folder}/signing.key
macaroon_secret_key: macaroon
form_secret: form
report_stats: false
trusted_key_servers: []
enable_registration: true
enable_registration_without_verification: true
bcrypt_rounds: 4
presence: { enabled: true }
rc_message: ${RATE}
rc_registration: ${RATE}
rc_joins: { local: ${RATE}, remote: ${RATE} }
rc_invites: { per_room: ${RATE}, per_user: ${RATE}, per_issuer: ${RATE} }
rc_presence: { per_user: ${RATE} }
rc_room_creation: ${RATE}
app_service_config_files: [${folder}/as.yaml]
`
}

function registration(ours: number): string {
  return `id: parley
url: http://127.0.0.1:${ours}
as_token: ${AS_TOKEN}
hs_token: ${HS_TOKEN}
sender_localpart: xmpp
rate_limited: false
receive_ephemeral: true
de.sorunome.msc2409.push_ephemeral: true
namespaces:
  users: [{ exclusive: true, regex: '@xmpp_.*' }]
  aliases: []
  rooms: []
`
}

function logging(folder: string): string {
  return `version: 1
formatters: { precise: { format: '%(asctime)s %(name)s %(levelname)s %(message)s' } }
handlers: { file: { class: logging.FileHandler, formatter: precise, filename: ${folder}/homeserver.log } }
root: { level: INFO, handlers: [file] }
`
}
