import type { Event } from '@parley/adapter'
import { Jid } from '@parley/jid'
import { parseStanza, type Stanza } from '@parley/stanza'
import { type Server, Transit } from '@xmpp/server-core'
import type { AccountKey, AccountStatus, Engine } from '../engine.ts'
import { gatewayFigures } from './figures.ts'
import type { House } from './house.ts'
import { type Face, FOR_YOU, type Networks } from './networks.ts'
import { Providers } from './providers.ts'
import { SPOKEN } from './saying.ts'
import { SHOW } from './showing.ts'

/** What an operator sets for all networks together. */
export interface EngineOptions {
  readonly allow: readonly string[]
  readonly processes: number
  readonly memory: number
}

/** What nodes tell each other: how a session is. */
const STATUS = 'gateway status'

/** What makes the engine, when a server has begun: it reads its records from `providers`. */
export type MakeEngine = (parts: {
  readonly server: Server
  readonly providers: Providers
  readonly options: EngineOptions
}) => Engine | Promise<Engine>

/** What the hosts of a server share: records, engine, and the way of an event to its host. */
export class Hub {
  readonly providers: Providers
  readonly engine: Engine
  readonly #live: Server['live']
  readonly #hosts = new Map<string, Networks>()

  private constructor(live: Server['live'], providers: Providers, engine: Engine) {
    this.#live = live
    this.providers = providers
    this.engine = engine
    engine.listen({
      event: (key, event) => this.#event(key, event),
      status: (key, status) => this.#status(key, status),
      moved: key => this.#face(key)?.moved(key),
    })
  }

  static async open(server: Server, make: MakeEngine, options: EngineOptions): Promise<Hub> {
    const providers = await Providers.open(server)
    const hub = new Hub(server.live, providers, await make({ server, providers, options }))
    server.hear(FOR_YOU, text => hub.#take(server, parseStanza(text)))
    server.hear(STATUS, text => {
      const { key, status } = JSON.parse(text) as { key: AccountKey; status: AccountStatus }
      const user = Jid.tryParse(key.owner)
      if (user) hub.#face(key)?.statuses.settle(user, status)
    })
    server.hear(SHOW, text => {
      const [domain = '', user = ''] = text.split('\n')
      const face = hub.#at(domain)
      const jid = Jid.parse(user)
      if (face?.isHere(jid)) server.finish(face.net.house.host, face.showing.again(jid))
    })
    server.hear(SPOKEN, text => {
      const [domain = '', user = '', mark = '', ...id] = text.split('\n')
      const face = hub.#at(domain)
      const jid = Jid.parse(user)
      if (face?.isHere(jid)) face.saying.heard(jid, id.join('\n'), mark)
    })
    server.figures.push(() => gatewayFigures(hub.engine, [...providers.all.keys()], hub.#denials()))
    providers.prepare = ({ adapter }) => hub.engine.load(adapter)
    providers.listen(async changed => {
      for (const id of changed) {
        for (const networks of hub.#hosts.values()) networks.renew(id)
        await hub.engine.providerChanged(id)
      }
    })
    return hub
  }

  add(domain: string, networks: Networks): void {
    this.#hosts.set(domain, networks)
    networks.begin()
  }

  houseOf(domain: string): House | undefined {
    return this.#hosts.get(domain)?.house
  }

  /** The engine ends with the last host. */
  async close(domain: string): Promise<void> {
    this.#hosts.delete(domain)
    if (this.#hosts.size === 0) await this.engine.stop()
  }

  async #event(key: AccountKey, event: Event): Promise<void> {
    await this.#face(key)?.event(key, event)
  }

  #status(key: AccountKey, status: AccountStatus): void {
    if (this.#live.isShared) this.#live.tell(STATUS, JSON.stringify({ key, status }))
    const face = this.#face(key)
    face?.status(key, status).catch((error: unknown) => face.net.house.log.error('a status was not told', { error }))
  }

  /** A stanza that another node has passed on. */
  #take(server: Server, stanza: Stanza): void {
    const face = stanza.to && this.#at(stanza.to.domain)
    if (!face || !stanza.from || !face.isHere(stanza.from.bare)) return
    server.finish(face.net.house.host, server.router.handle(stanza, new Transit()))
  }

  /** Of all hosts together. */
  #denials(): ReadonlyMap<string, number> {
    const all = new Map<string, number>()
    for (const { house } of this.#hosts.values())
      for (const [key, count] of house.access.denials) all.set(key, (all.get(key) ?? 0) + count)
    return all
  }

  /** The network that has an address. */
  #at(domain: string): Face | undefined {
    return this.#hosts.get(domain.slice(domain.indexOf('.') + 1))?.at(domain)
  }

  /** `romeo@example.org` and, where one session is for all, `sip.example.org` are of `example.org`. */
  #face({ provider, owner }: AccountKey) {
    const domain = owner.slice(owner.indexOf('@') + 1)
    return (this.#hosts.get(domain) ?? this.#hosts.get(domain.slice(domain.indexOf('.') + 1)))?.get(provider)
  }
}
