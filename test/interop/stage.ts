import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../ports.ts'
import { ServerProcess } from '../services/process.ts'

/** Host names are those of the certificate, so that clients verify it: nothing here trusts blindly without need. */
export const DOMAIN = 'localhost'

export interface Ports {
  readonly client: number
  readonly clientTls: number
  readonly http: number
  readonly https: number
}

/** A server of its own for one file of tests, with the accounts romeo and juliet. */
export class Stage {
  readonly server: ServerProcess
  readonly ports: Ports
  /** A file with the self-signed certificate that the server has made for itself, without its private key. */
  readonly certificate: string
  readonly #folders: string[] = []

  private constructor(server: ServerProcess, ports: Ports) {
    this.server = server
    this.ports = ports
    this.certificate = join(server.folder, 'trusted.pem')
  }

  /** @param env more settings of the server */
  static async open(env: Readonly<Record<string, string>> = {}): Promise<Stage> {
    const [client, clientTls, http, https] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
    const server = new ServerProcess({
      PARLEY_DOMAINS: DOMAIN,
      PARLEY_LISTEN_CLIENT: `127.0.0.1:${client}`,
      PARLEY_LISTEN_CLIENT_TLS: `127.0.0.1:${clientTls}`,
      PARLEY_LISTEN_HTTP: `127.0.0.1:${http}`,
      PARLEY_LISTEN_HTTPS: `127.0.0.1:${https}`,
      ...env,
    })
    const stage = new Stage(server, { client, clientTls, http, https })
    try {
      await server.start()
      const made = readFileSync(join(server.folder, `data/certificates/self-signed/${DOMAIN}.pem`), 'utf8')
      writeFileSync(stage.certificate, /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n/s.exec(made)![0])
      for (const name of ['romeo', 'juliet']) await server.user(`${name}@${DOMAIN}`, password(name))
    } catch (error) {
      await stage.close()
      throw error
    }
    return stage
  }

  /** A new folder for the files of a client, removed with the stage. */
  folder(name: string): string {
    const folder = mkdtempSync(join(tmpdir(), `parley-${name}-`))
    this.#folders.push(folder)
    return folder
  }

  async close(): Promise<void> {
    await this.server.remove()
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true })
  }
}

export function password(name: string): string {
  return `${name}-knows-1t`
}
