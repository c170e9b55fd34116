import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../ports.ts'
import { Authority } from './ca.ts'
import { type DnsRecord, NameServer } from './dns.ts'
import type { Server } from './peers/peer.ts'

const LOOPBACK = '127.0.0.1'

/** Where a server listens; for TLS from the first byte only where it is asked to. */
export interface Doors {
  readonly address: string
  readonly client: number
  readonly server: number
  readonly serverTls: number | undefined
}

/** Where servers meet: names and certificates that exist nowhere else. */
export class World {
  readonly folder: string
  readonly names: NameServer
  readonly authority: Authority
  readonly servers: Server[] = []

  private constructor(folder: string, names: NameServer, authority: Authority) {
    this.folder = folder
    this.names = names
    this.authority = authority
  }

  static async open(namePort = 0): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-federation-'))
    // Some of the servers run as users of their own.
    chmodSync(folder, 0o711)
    const names = await NameServer.open(LOOPBACK, namePort)
    names.set('localhost', { type: 'A', address: LOOPBACK })
    return new World(folder, names, await Authority.found(join(folder, 'certificates')))
  }

  /** Doors for one server, on ports that nobody listens on now. */
  async doors(directTls: boolean): Promise<Doors> {
    const [client, server, serverTls] = (await freePorts(3)) as [number, number, number]
    return { address: LOOPBACK, client, server, serverTls: directTls ? serverTls : undefined }
  }

  /** A folder for one server. */
  place(name: string): string {
    const folder = join(this.folder, name)
    mkdirSync(folder, { mode: 0o711 })
    return folder
  }

  /**
   * Tells DNS of a domain: its address and its doors; where there are two, the one with TLS from the first byte comes first.
   *
   * Doors of this machine are at `localhost`: ejabberd leaves names of addresses to the C library, which cannot be told of another
   * name server, but knows that one.
   */
  publish(domain: string, { address, server, serverTls }: Pick<Doors, 'address' | 'server' | 'serverTls'>): void {
    const door = (at: number, priority: number): DnsRecord => ({
      type: 'SRV',
      priority,
      weight: 0,
      port: at,
      target: address === LOOPBACK ? 'localhost' : domain,
    })
    this.names.set(domain, { type: 'A', address })
    this.names.set(`_xmpp-server._tcp.${domain}`, door(server, 10))
    this.names.set(`_xmpps-server._tcp.${domain}`, ...(serverTls === undefined ? [] : [door(serverTls, 5)]))
  }

  async close(): Promise<void> {
    // Nothing of theirs is wanted any more.
    await Promise.all(this.servers.map(server => server.kill()))
    await this.names.close()
    // With PARLEY_FEDERATION_KEEP logs and configurations stay for reading.
    if (!process.env['PARLEY_FEDERATION_KEEP']) rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Resolves when somebody takes connections there. */
export function knock(address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, address)
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}
