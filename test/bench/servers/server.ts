import { connect } from 'node:net'

export const SERVERS = ['parley', 'ejabberd', 'prosody'] as const
export type ServerName = (typeof SERVERS)[number]

/** What a row asks of a server's configuration. */
export interface Setup {
  readonly archive: boolean
  /** Front ends that share one Redis. */
  readonly nodes: number
  /** Parley only: its own engine, or an installed PostgreSQL. */
  readonly database: 'own' | 'installed'
  /** Another server, which it speaks with. */
  readonly peer?: ServerName
}

/** Where a server may write, and the core that it gets. */
export interface Place {
  readonly folder: string
  readonly core: number | undefined
  /** The core of whoever is not measured. */
  readonly other: number | undefined
}

export interface Running {
  /** Absent: {@link DOMAIN}. */
  readonly domain?: string
  /** Where the clients of a server beside it go. */
  readonly peer?: { readonly domain: string; readonly ports: readonly number[] }
  readonly ports: readonly number[]
  /** All of them count, with their children. */
  readonly pids: readonly number[]
  readonly metrics?: string
  /** What is going on where it went wrong. */
  lastWords(): string
  stop(): Promise<void>
}

export interface BenchServer {
  readonly name: ServerName
  /** Why it cannot take part in a row with this setup; undefined where it can. */
  missing(setup: Setup): Promise<string | undefined>
  start(place: Place, setup: Setup): Promise<Running>
}

export const DOMAIN = 'localhost'
export const NOT_INSTALLED = 'not installed'

/** Resolves when the port takes connections. */
export function knock(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}
