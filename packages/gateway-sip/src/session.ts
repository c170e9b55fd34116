import {
  type Ack,
  AdapterError,
  type By,
  type Context,
  type Event,
  type Outgoing,
  type Place,
  type Presence,
  type Session,
} from '@parley/adapter'
import { idOf, Ours } from './addresses.ts'
import { Endpoint } from './endpoint.ts'
import { ACCEPTED } from './message/content.ts'
import { Deaf } from './message/deaf.ts'
import { Hearer } from './message/hearer.ts'
import { Sender } from './message/sender.ts'
import { Publisher } from './presence/publisher.ts'
import { PresenceService } from './presence/service.ts'
import { Registration } from './registration.ts'
import type { SipSettings } from './settings.ts'
import type { Call } from './wire/agent.ts'
import { parseAddress } from './wire/fields.ts'
import { ALLOW } from './wire/reply.ts'
import { parseUri } from './wire/uri.ts'

/** The network of SIP, for all our users. */
export class SipSession implements Session {
  readonly #context: Context<SipSettings>
  readonly #ours: Ours
  readonly #endpoint: Endpoint
  readonly #deaf: Deaf
  readonly #sender: Sender
  readonly #hearer: Hearer
  readonly #presence: PresenceService
  #registration: Registration | undefined
  #over = false

  constructor(context: Context<SipSettings>) {
    this.#context = context
    const { settings, clock, kv } = context
    // The face is `sip.example.org`; those behind it are at `example.org`.
    const host = context.domain.slice(context.domain.indexOf('.') + 1)
    this.#ours = new Ours(settings.domain, host)
    this.#endpoint = new Endpoint(context, this.#ours.domain, call => this.#serve(call))
    const { agent, ways, way } = this.#endpoint
    const uri = (user: string) => this.#ours.uri(user)
    const contact = (user: string) => this.#endpoint.contact(user, this.#ours)
    const emit = (event: Event) => this.#emit(event)
    this.#deaf = new Deaf(kv)
    this.#sender = new Sender({ agent, clock, ways, deaf: this.#deaf, envelopes: settings.receipts, uri })
    this.#hearer = new Hearer({ clock, emit, threadOf: callId => this.#sender.threadOf(callId) })
    const { proxy } = ways
    const { expires } = settings
    const publisher = settings.publish && proxy ? new Publisher({ agent, clock, hop: proxy, expires, uri }) : undefined
    const failed = (error: unknown) => this.#failed(error)
    this.#presence = new PresenceService({ agent, clock, way, expires, uri, contact, kv, publisher, emit, failed })
  }

  async start(): Promise<void> {
    const { signal } = this.#context
    signal.addEventListener('abort', () => void this.stop(), { once: true })
    try {
      await this.#deaf.load()
      await this.#endpoint.start()
      await this.#register()
    } catch (error) {
      // A start that fails leaves no door open.
      await this.stop()
      throw error
    }
  }

  async #register(): Promise<void> {
    const { clock, log, settings } = this.#context
    const address = parseUri(settings.register)
    if (!address) return
    this.#registration = new Registration({
      ...{ agent: this.#endpoint.agent, clock, log, address: settings.register, expires: settings.expires },
      ...{ hop: this.#endpoint.ways.to(address), contact: this.#endpoint.uri(address.user) },
    })
    await this.#registration.begin()
  }

  async stop(): Promise<void> {
    if (this.#over) return
    this.#over = true
    this.#hearer.stop()
    // Where the session was cut off, neither time nor connections are left.
    await this.#presence.stop(!this.#context.signal.aborted)
    this.#registration?.stop()
    await this.#endpoint.stop()
  }

  /** Asks the proxy, where everything goes through one. Whatever it answers, it is there. */
  async ping(): Promise<void> {
    const answer = await this.#endpoint.options()
    if (answer?.local) throw answer.local
  }

  setPresence(presence: Presence, by: By): Promise<void> {
    return this.#presence.set(userOf(by), presence)
  }

  /** Unavailable for one alone: the user hides from them, now and later. They are told so and have to ask again. */
  async sendPresence(to: string, presence: Presence, by: By): Promise<void> {
    if (presence.show === 'unavailable') await this.#presence.hide(userOf(by), to)
    else this.#presence.tell(userOf(by), to, presence)
  }

  send(message: Outgoing): Promise<Ack> {
    return this.#sender.send(message, userOf(message))
  }

  typing(to: Place, state: 'composing' | 'paused' | 'gone', by: By): Promise<void> {
    return this.#sender.typing(userOf(by), to.peer, state === 'composing')
  }

  delivered(to: Place, ids: readonly string[], by: By): Promise<void> {
    return this.#notify(to.peer, ids, 'delivered', userOf(by))
  }

  read(to: Place, ids: readonly string[], by: By): Promise<void> {
    return this.#notify(to.peer, ids, 'read', userOf(by))
  }

  async #notify(peer: string, ids: readonly string[], level: 'delivered' | 'read', user: string): Promise<void> {
    for (const about of this.#hearer.notifications(user, peer, ids, level)) await this.#sender.notify(user, peer, about)
  }

  addContact(id: string, _details: object, by: By): Promise<void> {
    return this.#presence.add(userOf(by), id)
  }

  leaveContact(id: string, by: By): Promise<void> {
    return this.#presence.leave(userOf(by), id)
  }

  removeContact(id: string, by: By): Promise<void> {
    return this.#presence.remove(userOf(by), id)
  }

  /** Names and groups are kept here alone: SIP has no lists that we could write to. */
  async renameContact(): Promise<void> {}

  async regroupContact(): Promise<void> {}

  answer(id: string, yes: boolean, by: By): Promise<void> {
    return this.#presence.answer(userOf(by), id, yes)
  }

  #emit(event: Event) {
    if (!this.#over) this.#context.emit(event)
  }

  #failed(error: unknown) {
    this.#context.log.warn('A SIP request was not served', { why: error instanceof Error ? error.message : 'unknown' })
  }

  #serve(call: Call) {
    const { method, headers, target } = call.request
    if (method === 'OPTIONS') return call.answer(200, { allow: ALLOW, accept: ACCEPTED })
    if (method === 'NOTIFY') return this.#presence.notify(call)
    const to = parseUri(target)
    if (!to) return call.answer(416)
    const user = this.#ours.has(to) || to.host === this.#endpoint.address ? this.#ours.user(to.user) : undefined
    if (user === undefined) return call.answer(404)
    // RFC 3325 §8: whom a proxy that we trust has found the sender to be, over what the sender says.
    const asserted = call.trusted ? parseAddress(headers.list('p-asserted-identity')[0] ?? '')?.uri : undefined
    const from = asserted ?? call.from.uri
    const id = idOf(from)
    // Nobody there is one of us, whoever vouches for it (threat 155).
    if (!from || id === undefined || this.#ours.has(from) || !call.speaksFor(from.host)) return call.answer(403)
    if (method === 'MESSAGE') return this.#hearer.serve(call, user, id)
    this.#presence.subscribe(call, user, id).catch(error => {
      this.#failed(error)
      call.answer(500)
    })
  }
}

function userOf(by: By): string {
  if (by.user === undefined) throw new AdapterError('unsupported', 'Nobody is named for whom this is done')
  return by.user
}
