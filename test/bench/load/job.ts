/** What one run of the load generator does. It crosses a process border, so it is data only. */
export interface Job {
  readonly scenario: ScenarioName
  /** Ports of the front ends on 127.0.0.1: client i uses the i-th, round and round. */
  readonly ports: readonly number[]
  readonly domain: string
  /** Another server on this machine, whose clients are paired with those of the first one. */
  readonly peer?: { readonly domain: string; readonly ports: readonly number[] }
  /** Processes of the server and its database; their children count too. */
  readonly pids: readonly number[]
  /** The core that the server runs on: what others use of it is reported. */
  readonly core: number
  /** Accounts are `prefix` and a number, and are registered before the scenario begins. */
  readonly prefix: string
  readonly users: number
  readonly tls: boolean
  /** Clients acknowledge what they get (XEP-0198), and so the server keeps what they have not acknowledged. */
  readonly acknowledged: boolean
  /** Bytes of text in a message. */
  readonly body: number
  /** Closed loop: messages of each client that are under way. */
  readonly window: number
  /** Open loop: messages a second, all clients together. */
  readonly rate: number
  readonly contacts: number
  /** Clients that change their presence: all, in a ring of contacts, or some, in the middle of a star. */
  readonly senders: number
  readonly rooms: number
  /** Of an archive that is read. */
  readonly messages: number
  readonly concurrency: number
  /** Seconds of load before the measurement, of the measurement, and of quiet before memory is read. */
  readonly warmup: number
  readonly seconds: number
  readonly settle: number
  /** Where the server shows OpenMetrics, where it does. */
  readonly metrics?: string
}

export type ScenarioName =
  | 'message'
  | 'steady'
  | 'presence'
  | 'muc'
  | 'login'
  | 'idle'
  | 'storm'
  | 'pep'
  | 'pages'
  | 's2s'
  | 'probe'

/** What a run found. A figure that could not be had is absent; it is never zero instead. */
export type Figures = Readonly<Record<string, number>>

export type Report =
  | { readonly figures: Figures; readonly software: string; readonly tls: string | undefined }
  | { readonly error: string }
