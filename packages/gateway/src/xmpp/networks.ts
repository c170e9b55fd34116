import type { Event } from '@parley/adapter'
import { Jid } from '@parley/jid'
import { Turns } from '@parley/modules'
import { type Message, NS, type Presence, type Stanza, StanzaError } from '@parley/stanza'
import type { Transit } from '@xmpp/server-core'
import type { AccountKey, AccountStatus, Provider } from '../engine.ts'
import { Answering } from './answering.ts'
import { cards } from './cards.ts'
import { Commands } from './commands.ts'
import { Contacts } from './contacts.ts'
import { Conversation } from './conversation.ts'
import { discovering } from './discovering.ts'
import { Echoes } from './echoes.ts'
import { Hearing } from './hearing.ts'
import type { House } from './house.ts'
import { Listening } from './listening.ts'
import { MUC } from './namespaces.ts'
import { Network } from './network.ts'
import { Own } from './own.ts'
import type { Person } from './people.ts'
import { isRetired } from './providers.ts'
import { registering } from './registering.ts'
import { Registration } from './registration.ts'
import { Rooms } from './rooms.ts'
import { Saying } from './saying.ts'
import { searching } from './searching.ts'
import { Seeing } from './seeing.ts'
import { Showing } from './showing.ts'
import { Statuses } from './statuses.ts'
import { Subscribing } from './subscribing.ts'

/** What nodes tell each other: a stanza for whoever has the session of its sender. */
export const FOR_YOU = 'gateway stanza'
/** Presence that everybody is told, or was. */
const ANNOUNCED: ReadonlySet<string> = new Set(['available', 'unavailable'])

/** One network at one host, put together: what comes from clients, and what comes from there. */
export class Face {
  readonly net: Network
  readonly contacts: Contacts
  readonly conversation: Conversation
  readonly showing: Showing
  readonly statuses: Statuses
  readonly rooms: Rooms
  readonly saying: Saying
  readonly #turns = new Turns()
  /** How the one session of all is, where there is one here. */
  #state: AccountStatus['state'] | undefined
  readonly #answering: Answering
  readonly #seeing: Seeing
  readonly #subscribing: Subscribing
  readonly #listening: Listening

  constructor(house: House, provider: Provider) {
    const adapter = house.engine.adapters.get(provider.adapter)!
    this.net = new Network(house, provider, adapter, (stanza, to, transit) => this.#receive(stanza, to, transit))
    const { net } = this
    const echoes = new Echoes(house.clock)
    this.#seeing = new Seeing(net)
    this.contacts = new Contacts(net, this.#seeing)
    this.rooms = new Rooms(net)
    this.statuses = new Statuses(net, person => this.rooms.closed(person))
    this.showing = new Showing(net, user => !house.live.isShared || this.isHere(user))
    this.saying = new Saying(net, echoes)
    const { contacts, showing } = this
    this.#subscribing = new Subscribing(net, { contacts, showing, seeing: this.#seeing })
    const registration = new Registration(net, this.contacts, this.statuses)
    const commands = new Commands(net, registration)
    this.conversation = new Conversation(net, registration)
    const hearing = new Hearing(net, this.saying, new Own(net), echoes)
    this.#listening = new Listening(net, {
      contacts: this.contacts,
      hearing,
      saying: this.saying,
      seeing: this.#seeing,
      rooms: this.rooms,
    })
    this.#answering = new Answering(net, this.rooms, [
      ...registering(registration),
      ...commands.routes,
      ...discovering(net, commands, this.rooms),
      ...cards(net),
      ...searching(net),
    ])
  }

  /** Something has happened there. */
  event(key: AccountKey, event: Event): Promise<void> | void {
    const owner = event.user ?? key.owner
    const user = Jid.tryParse(owner)
    // A network that is one for all says whom it means; who is not of this host is nobody's business here.
    if (!user || user.local === '' || user.domain !== this.net.house.host.domain) return
    return this.#listening.event(this.net.people.of(user), event)
  }

  /** One after another: what was said last is what holds. */
  async status({ owner }: AccountKey, status: AccountStatus): Promise<void> {
    if (this.net.federated) {
      this.#state = status.state
      return
    }
    const user = Jid.parse(owner)
    await this.#turns.take(owner, async () => {
      const before = this.net.people.find(user)?.told?.state
      await this.statuses.changed(user, status)
      if (status.state !== 'online' || before === 'online') return
      await this.showing.begun(user)
      await this.contacts.begun(this.net.people.of(user))
      this.rooms.begun(this.net.people.of(user))
    })
  }

  /** The process that has the session tells its user the rest. */
  moved({ owner }: AccountKey): void {
    if (this.net.federated) this.#state = undefined
    else void this.#turns.take(owner, async () => this.net.people.forget(Jid.parse(owner)))
  }

  /** It is there from now on: sessions of those who are here begin. At the start of the server nobody is. */
  async open(atStart: boolean): Promise<void> {
    const { house, federated, provider, id, service } = this.net
    if (federated) return house.engine.wake({ provider: id, owner: service.domain })
    if (atStart && !provider.alwaysOn) return
    for (const { owner } of await house.engine.registrations({ provider: id })) {
      const user = Jid.parse(owner)
      if (user.domain === house.host.domain) await this.showing.changed(user)
    }
  }

  /** It is there no longer: everybody's session ends. */
  async close(): Promise<void> {
    const { house, people, federated } = this.net
    for (const { user, told } of [...people.all]) {
      if (federated || told === undefined || told.state === 'idle') continue
      await house.engine.rest(this.net.keyOf(user))
      await this.status(this.net.keyOf(user), { state: 'idle', since: house.clock.now() })
    }
  }

  /** Of the one session of all a user has no part any more: is gone there, and sees nobody there. */
  async part(person: Person): Promise<void> {
    await this.showing.show(person.user, { show: 'unavailable' })
    await this.statuses.leave(person)
  }

  #receive(stanza: Stanza, to: Jid, transit: Transit): void {
    const { house } = this.net
    // Whoever else comes here is no user of it: another gateway, another server (threat 157).
    if (stanza.from?.domain !== house.host.domain || stanza.from.local === '') {
      if (stanza.name === 'presence') return
      throw new StanzaError('not-allowed', 'This network is for accounts of this domain alone')
    }
    if (this.#isElsewhere(stanza, to)) {
      transit.effect(() => house.live.tell(FOR_YOU, stanza.toXml()))
      return
    }
    switch (stanza.name) {
      case 'iq':
        if (stanza.isRequest) this.#answering.receive(stanza, to, transit)
        break
      case 'presence':
        transit.effect(() => transit.behind(this.#presence(stanza, to)))
        break
      default:
        this.#message(stanza, to, transit)
    }
  }

  /**
   * What is known of a user's contacts and rooms is known to the node that has the session. What needs it goes there; messages need
   * not, since the engine takes them there.
   */
  #isElsewhere(stanza: Stanza, to: Jid): boolean {
    const { house } = this.net
    if (!house.live.isShared) return false
    const needs =
      stanza.name === 'iq'
        ? stanza.isRequest && (to.local !== '' || stanza.payload.ns === NS.discoItems)
        : stanza.name === 'message'
          ? to.local !== '' && (stanza.type === 'groupchat' || !to.isBare)
          : !to.isBare || !ANNOUNCED.has(stanza.type) || stanza.child('x', MUC) !== undefined
    const user = stanza.from!.bare
    return needs && !this.isHere(user) && house.engine.status(this.net.keyOf(user)).state !== 'idle'
  }

  /** Whether this node has the session that serves the user. */
  isHere(user: Jid): boolean {
    const state = this.net.federated ? this.#state : this.net.people.find(user)?.told?.state
    return state !== undefined && state !== 'idle'
  }

  #message(message: Message, to: Jid, transit: Transit): void {
    if (to.local === '') {
      transit.effect(() => transit.behind(this.conversation.receive(message)))
      return
    }
    const id = this.net.addresses.idOf(to)
    if (message.type === 'error') {
      this.rooms.undelivered(message, id)
      return
    }
    if (id === undefined) throw new StanzaError('item-not-found', 'There is no such address in this network')
    if (this.rooms.concerns(message, id)) this.rooms.message(message, id, transit)
    else this.saying.receive(message, id, transit)
  }

  async #presence(presence: Presence, to: Jid): Promise<void> {
    const user = presence.from!.bare
    if (to.local === '') return this.#toNetwork(presence, user)
    const id = this.net.addresses.idOf(to)
    if (id === undefined) return
    if (this.rooms.concerns(presence, id)) return this.rooms.presence(presence, id)
    if (presence.type === 'probe') return this.#seeing.probed(user, id, presence.from!)
    return this.#subscribing.receive(presence, id)
  }

  /** The network's own address: who is registered sees how the session is. */
  async #toNetwork({ type, from }: Presence, user: Jid): Promise<void> {
    const { house, federated } = this.net
    const isRegistered = federated || (await house.registered.of(user)).has(this.net.id)
    if (type === 'probe' && isRegistered) {
      const status = house.engine.status(this.net.keyOf(user))
      await house.route(this.statuses.presence(status, from!))
    }
  }
}

/** All networks of one host, as the records say; kept in step with them. */
export class Networks {
  readonly house: House
  readonly #faces = new Map<string, Face>()

  constructor(house: House) {
    this.house = house
  }

  /** Events find their networks from now on. */
  begin(): void {
    for (const id of this.house.providers.all.keys()) this.renew(id, true)
  }

  get all(): Iterable<Face> {
    return this.#faces.values()
  }

  get(id: string): Face | undefined {
    return this.#faces.get(id)
  }

  /** The network that has an address. */
  at(domain: string): Face | undefined {
    const { host } = this.house
    if (!domain.endsWith(`.${host.domain}`)) return undefined
    return this.#faces.get(domain.slice(0, -host.domain.length - 1))
  }

  /** A record has changed: the network is there or is not, and does what it says from now on. */
  renew(id: string, atStart = false): void {
    const { providers, engine, server, log, clock } = this.house
    const { router } = server
    const provider = providers.get(id)
    const known = this.#faces.get(id)
    const isThere = provider?.enabled === true && !isRetired(provider, clock.now())
    if (isThere && known && known.net.adapter.id === provider.adapter) {
      known.net.provider = provider
      return
    }
    if (known) {
      router.services.delete(known.net.service.domain)
      this.#faces.delete(id)
      known.close().catch((error: unknown) => log.error('a network did not end well', { provider: id, error }))
    }
    if (!isThere) return
    if (!engine.adapters.has(provider.adapter)) {
      log.error('a provider has no adapter', { provider: id, adapter: provider.adapter })
      return
    }
    const face = new Face(this.house, provider)
    this.#faces.set(id, face)
    router.services.set(face.net.service.domain, face.net.service)
    face
      .open(atStart)
      .catch((error: unknown) => log.error('sessions of a network did not begin', { provider: id, error }))
  }
}
