import type { Duplex } from 'node:stream'
import type { Event } from './events.ts'
import type { Settings, SettingValues } from './settings.ts'

/** What a session may use. It has no other way out: no file, no environment, no database. */
export interface Context<S extends Settings = Settings> {
  readonly settings: SettingValues<S>
  /** Whose session it is. Absent with `federation`. */
  readonly account: AccountInfo | undefined
  /** With `federation`: the domain here that is the network's face, such as `sip.example.org`. */
  readonly domain: string
  /** What is kept sealed: what the user was asked for as `secret`, and tokens that stand for it. */
  readonly secrets: Vault
  /** What is kept for this session: cursors, keys of synchronisation. Lasts when `set` has resolved. */
  readonly kv: Vault
  readonly clock: AdapterClock
  readonly log: AdapterLog
  /** Ends what the session is doing: it is to stop. */
  readonly signal: AbortSignal
  readonly media: Media
  emit(event: Event): void
  /** A connection to the outside, where the operator's rules allow it. @throws AdapterError `transient` or `denied` */
  connect(options: ConnectOptions): Promise<Connection>
  /** HTTP, by the same rules. Redirects are not followed; what comes is cut at `limit` bytes. */
  fetch(request: HttpRequest): Promise<HttpResponse>
  /** Doors of our own: only with `federation`. */
  listen(options: ListenOptions): Promise<Listening>
}

export interface AccountInfo {
  /** Bare JID of the user. */
  readonly owner: string
  /** What the user was asked for, but for what is secret. */
  readonly fields: Readonly<Record<string, string>>
}

export interface Vault {
  get(name: string): Promise<string | undefined>
  set(name: string, value: string | undefined): Promise<void>
}

export interface AdapterClock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls once, after so many milliseconds; gives what stops it. */
  after(ms: number, run: () => void): () => void
  every(ms: number, run: () => void): () => void
}

/** Secrets are taken out of what is said. */
export interface AdapterLog {
  debug(message: string, about?: Readonly<Record<string, unknown>>): void
  info(message: string, about?: Readonly<Record<string, unknown>>): void
  warn(message: string, about?: Readonly<Record<string, unknown>>): void
}

/** Pictures and the like, by their SHA-1 in hexadecimal digits. */
export interface Media {
  put(bytes: Uint8Array, type: string): Promise<string>
  get(id: string): Promise<{ readonly bytes: Uint8Array; readonly type: string } | undefined>
}

export interface ConnectOptions {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Name in the certificate, where it is not the host. */
  readonly servername?: string
  /** Certificates of any authority, or of none, will do: only where the operator says so. */
  readonly trustAnything?: boolean
  /** Shows the certificate of our doors, where the other side asks who we are: between servers. */
  readonly identify?: boolean
  /** Milliseconds, 15,000 where it is not given. */
  readonly timeout?: number
}

export interface Connection {
  readonly stream: Duplex
  /** Address of the other side, with or without its port. */
  readonly remote: string
  /** Of who has come to a door with TLS: the names that its certificate proves. Absent: it has shown none, or none that holds. */
  readonly names?: readonly string[]
  /** Goes on with TLS. */
  startTls(options?: Pick<ConnectOptions, 'servername' | 'trustAnything' | 'identify'>): Promise<void>
  destroy(): void
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Bytes, 1 MiB where it is not given. */
  readonly limit?: number
  /** Milliseconds, 30,000 where it is not given. */
  readonly timeout?: number
  readonly trustAnything?: boolean
}

export interface HttpResponse {
  readonly status: number
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface ListenOptions {
  /** Address and port, as the operator has set them. */
  readonly host: string
  readonly port: number
  readonly transport: 'tcp' | 'tls' | 'udp'
  /**
   * Who has connected may say that nothing more comes, and still be answered: the adapter ends such a connection when it hears
   * `end`. Otherwise it ends by itself.
   */
  readonly halfOpen?: boolean
  connected?(connection: Connection): void
  datagram?(bytes: Uint8Array, from: { readonly host: string; readonly port: number }): void
}

export interface Listening {
  readonly port: number
  /** Only with UDP. */
  send(bytes: Uint8Array, to: { readonly host: string; readonly port: number }): void
  close(): Promise<void>
}
