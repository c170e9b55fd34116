import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { withChildren } from '../../bench/load/processes.ts'
import { Child, type Start } from '../../bench/servers/child.ts'
import { type Doors, knock, type World } from '../world.ts'
import { type Link, moreDomains, type Options, type PeerName, type Server } from './peer.ts'

export interface Plan {
  readonly peer: PeerName
  readonly domain: string
  readonly doors: Doors
  readonly folder: string
  readonly options: Options
  readonly rooms: string | undefined
  /** The processes it consists of, in the order of their starts. All write to `<name>.log` in the folder. */
  readonly processes: readonly Omit<Start, 'folder' | 'core'>[]
  /** The process of a family that is to be told to end; absent: the one that was started. */
  readonly isMain?: (pid: number) => boolean
  /** Reads what a line of the log says of a stream. */
  readonly read: (line: string) => readonly Link[]
}

/** A server made of processes of this machine. */
export class ProcessServer implements Server {
  readonly peer: PeerName
  readonly domain: string
  readonly doors: Doors
  readonly rooms: string | undefined
  readonly folder: string
  readonly #plan: Plan
  #children: Child[] = []

  private constructor(plan: Plan) {
    this.#plan = plan
    this.peer = plan.peer
    this.domain = plan.domain
    this.doors = plan.doors
    this.folder = plan.folder
    this.rooms = plan.rooms
  }

  /** Starts it, tells DNS of it, and resolves when it takes connections from clients and from servers. */
  static async start(world: World, plan: Plan): Promise<ProcessServer> {
    const server = new ProcessServer(plan)
    const more = moreDomains(plan.domain, plan.options).map(([name]) => name)
    for (const domain of [plan.domain, ...more]) world.publish(domain, plan.doors)
    if (plan.rooms !== undefined) world.publish(plan.rooms, plan.doors)
    world.servers.push(server)
    await server.restart()
    return server
  }

  async restart(): Promise<void> {
    const { processes, folder, options } = this.#plan
    const { address, client, server, serverTls } = this.doors
    for (const start of processes) this.#children.push(new Child({ ...start, folder, core: options.core }))
    const ports = [client, server, ...(serverTls === undefined ? [] : [serverTls])]
    try {
      for (const port of ports) await this.#children.at(-1)!.until(() => knock(address, port))
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  get pids(): readonly number[] {
    return this.#children.map(({ pid }) => pid)
  }

  links(): readonly Link[] {
    return this.#lines().flatMap(this.#plan.read)
  }

  lastWords(): string {
    return this.#lines().slice(-20).join('\n')
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const children = this.#children.reverse()
    this.#children = []
    const { isMain } = this.#plan
    for (const child of children) {
      await child.stop(signal, (isMain && withChildren([child.pid]).find(isMain)) ?? child.pid)
    }
  }

  #lines(): string[] {
    const { processes, folder } = this.#plan
    return processes.flatMap(({ name }) => readFileSync(join(folder, `${name}.log`), 'utf8').split('\n'))
  }
}
