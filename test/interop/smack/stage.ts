import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ServerProcess } from '../../services/process.ts'

/** From test/interop/smack/dist/interop/smack. */
const PROGRAM = fileURLToPath(new URL('../../../../../../services/parley/bin/parley.js', import.meta.url))
const DOMAIN = 'interop.test'
/** Where Smack looks for a server, and for the host-meta of its WebSocket; neither can be told otherwise. */
const CLIENT = 5222
const HTTPS = 443

/** A server of its own, where Smack finds it. */
export class Stage {
  readonly #server: ServerProcess
  readonly #address: string
  /** Whether the port for WebSockets could be had: below 1024 not everybody may. */
  readonly hasWebSocket: boolean

  private constructor(server: ServerProcess, address: string, hasWebSocket: boolean) {
    this.#server = server
    this.#address = address
    this.hasWebSocket = hasWebSocket
  }

  /** @throws Error where no address is free */
  static async open(): Promise<Stage> {
    const address = await freeAddress()
    const hasWebSocket = await isFree(address, HTTPS)
    const server = new ServerProcess(
      {
        PARLEY_DOMAINS: DOMAIN,
        PARLEY_LISTEN_CLIENT: `${address}:${CLIENT}`,
        ...(hasWebSocket && { PARLEY_LISTEN_HTTPS: `${address}:${HTTPS}` }),
        // Smack makes some twenty accounts, all at once and from one address.
        PARLEY_REGISTRATION: 'open',
        PARLEY_LIMITS_REGISTRATIONS: '0',
        PARLEY_LIMITS_CONNECTIONS: '0',
        PARLEY_MODULES_MUC_MADE: '0',
      },
      undefined,
      PROGRAM,
    )
    const stage = new Stage(server, address, hasWebSocket)
    try {
      await server.start()
    } catch (error) {
      await stage.close()
      throw error
    }
    return stage
  }

  get folder(): string {
    return this.#server.folder
  }

  /** The certificate that the server has made for itself, which clients verify. */
  get certificate(): string {
    const file = join(this.folder, 'trusted.pem')
    const made = readFileSync(join(this.folder, `data/certificates/self-signed/${DOMAIN}.pem`), 'utf8')
    writeFileSync(file, /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n/s.exec(made)![0])
    return file
  }

  /** What Smack has to know; names are looked up in a file of our own. */
  get properties(): Readonly<Record<string, string>> {
    const hosts = join(this.folder, 'hosts')
    writeFileSync(hosts, `${this.#address} ${DOMAIN}\n`)
    return {
      'jdk.net.hosts.file': hosts,
      'sinttest.service': DOMAIN,
      'sinttest.host': this.#address,
      'sinttest.securityMode': 'required',
      'sinttest.dnsResolver': 'javax',
    }
  }

  close(): Promise<void> {
    return this.#server.remove()
  }
}

/** An address of this machine's own network that nobody listens on where Smack connects to. */
async function freeAddress(): Promise<string> {
  for (let last = 1; last < 20; last++) {
    const address = `127.77.0.${last}`
    if (await isFree(address, CLIENT)) return address
  }
  throw new Error(`No address from 127.77.0.1 to 127.77.0.19 has port ${CLIENT} free (on macOS: ifconfig lo0 alias)`)
}

function isFree(address: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const listener = createServer()
    listener.once('error', () => resolve(false))
    listener.listen(port, address, () => listener.close(() => resolve(true)))
  })
}
