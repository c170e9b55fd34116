import type { Home } from '../../federation/person.ts'
import { type Doors, World } from '../../federation/world.ts'
import { password } from '../../interop/stage.ts'
import { ServerProcess } from '../../services/process.ts'
import type { Scene } from './scene.ts'

export const DOMAIN = 'example.org'
export const ROMEO = `romeo@${DOMAIN}`

/** A server that other domains can find, with Romeo's account and the networks that the play adds. */
export class Verona implements Home {
  readonly peer = 'parley'
  readonly domain = DOMAIN
  readonly world: World
  readonly doors: Doors
  readonly server: ServerProcess
  /** Pidgin, which comes to `localhost`, finds it there. */
  readonly certificate: string
  #folders = 0

  private constructor(world: World, doors: Doors, certificate: { readonly cert: string; readonly key: string }) {
    this.world = world
    this.doors = doors
    this.certificate = certificate.cert
    this.server = new ServerProcess({
      PARLEY_DOMAINS: JSON.stringify({ [DOMAIN]: { certificate: { cert: certificate.cert, key: certificate.key } } }),
      PARLEY_LISTEN_CLIENT: `${doors.address}:${doors.client}`,
      PARLEY_LISTEN_SERVER: `${doors.address}:${doors.server}`,
      PARLEY_TLS_SERVER_CA: world.authority.file,
      PARLEY_FEDERATION_DNS: `${world.names.address}:${world.names.port}`,
      PARLEY_FEDERATION_ALLOW: '127.0.0.0/8',
      PARLEY_MODULES_GATEWAYS_ALLOW: '127.0.0.0/8',
      // Friends of the play that have accounts here make them, and have clients without TLS.
      PARLEY_TLS_CLIENT: 'optional',
      PARLEY_REGISTRATION: 'open',
      PARLEY_AUTH_ITERATIONS: '4096',
    })
  }

  static async open(): Promise<Verona> {
    const world = await World.open()
    try {
      const doors = await world.doors(false)
      const verona = new Verona(world, doors, await world.authority.issue('good', DOMAIN, ['localhost']))
      world.publish(DOMAIN, doors)
      await verona.server.start()
      await verona.server.user(ROMEO, password('romeo'))
      return verona
    } catch (error) {
      await world.close()
      throw error
    }
  }

  get ports(): { readonly client: number } {
    return { client: this.doors.client }
  }

  folder(name: string): string {
    return this.world.place(`${name}-${++this.#folders}`)
  }

  /** Types a command of the operator. */
  async parley(...args: readonly string[]): Promise<void> {
    const { code, output } = await this.server.cli(args)
    if (code !== 0) throw new Error(`parley ${args.join(' ')}: ${output}`)
  }

  /** Adds the network of a scene, and lets users reach it. */
  async adds({ id, adapter, title, about = [] }: Scene, settings: readonly string[]): Promise<void> {
    if (!adapter) return
    await this.parley('provider', 'add', id, ...settings, '--adapter', adapter.id, '--title', title, ...about)
    await this.parley('provider', 'enable', id)
  }

  async close(): Promise<void> {
    await this.server.remove()
    await this.world.close()
  }
}
