import type { Ack } from '@parley/adapter'
import type { Jid } from '@parley/jid'
import { Turns } from '@parley/modules'
import { errorOf, type Message, StanzaError } from '@parley/stanza'
import { el } from '@parley/xml'
import { midOf, type Transit } from '@xmpp/server-core'
import { type Deed, deedOf } from './deeds.ts'
import type { Echoes } from './echoes.ts'
import { keyOf, messageOf } from './keys.ts'
import { RECEIPTS } from './namespaces.ts'
import type { Network } from './network.ts'
import { refusalOf } from './refusals.ts'

/** What nodes tell each other when a user has written to somebody. */
export const SPOKEN = 'gateway spoken'
/** How long a stanza may wait for the network before it counts as handled (ms). */
const HANDED_OVER = 2000

/** What users say to those there. */
export class Saying {
  readonly #net: Network
  readonly #echoes: Echoes
  readonly #turns = new Turns()
  /** Messages that are on their way, by sender and id. */
  readonly #sending = new Map<string, Map<string, Promise<void>>>()
  /** Ids that are being written down: who hears of them waits. */
  readonly #mapping = new Map<string, Promise<unknown>>()

  constructor(net: Network, echoes: Echoes) {
    this.#net = net
    this.#echoes = echoes
  }

  receive(message: Message, id: string, transit: Transit): void {
    const key = keyOf(message, midOf(transit))
    transit.effect(() => transit.behind(this.#say(message, id, key).catch(error => this.#refuse(message, error))))
  }

  /** Resolves when the ids of what the user has said so far are known. */
  async mapped(user: Jid): Promise<void> {
    await this.#mapping.get(user.text)
  }

  /** The same where they are on their way: what comes back may be faster than the word that it was taken. */
  async underWay(user: Jid): Promise<void> {
    await Promise.all([...(this.#sending.get(user.text)?.values() ?? [])])
    await this.mapped(user)
  }

  /** What was taken at first did not arrive: its sender hears that. `key`: as it was given with it */
  async bounced(key: string, error: unknown): Promise<void> {
    const message = messageOf(key)
    if (message) await this.#refuse(message, error)
  }

  /** Resolves when a restart does not lose it: the stanza counts as handled then. */
  async #say(message: Message, id: string, key: string): Promise<void> {
    const user = message.from!.bare
    // One after another as far as the engine, which keeps that order.
    const doing = await this.#turns.take(user.text, async () => {
      const deed = await this.#deed(message, user, id)
      return deed && this.#do(deed, message, user, id, key)
    })
    await doing?.kept
  }

  async #deed(message: Message, user: Jid, id: string): Promise<Deed | undefined> {
    const { house, provider } = this.#net
    const { engine } = house
    const key = this.#net.keyOf(user)
    const native = async (stanza: string) => {
      await this.#sending.get(user.text)?.get(stanza)
      const pair = await engine.ids.byStanza(key, stanza)
      // What was said in another conversation is not named in this one.
      return pair?.peer === id ? pair.native : undefined
    }
    const deed = await deedOf(message, { can: this.#net.can.bind(this.#net), native })
    if (!deed) return undefined
    if (!this.#net.federated && !(await house.registered.of(user)).has(this.#net.id)) {
      if (deed.quiet) return undefined
      throw new StanzaError('registration-required', 'You are not registered with this network')
    }
    if (deed.quiet) return (await house.access.judge(provider, user)) ? undefined : deed
    await house.access.check(provider, user, 'write')
    this.#speaks(user, id, message.textOf('body') ?? '')
    return deed
  }

  /** Another node has said something for a user. */
  heard(user: Jid, id: string, mark: string): void {
    this.#net.people.of(user).speaks(id)
    this.#echoes.isNew(mark)
  }

  /** Whom the user has written to may answer; and what was written may come back. To whichever node. */
  #speaks(user: Jid, id: string, text: string): void {
    const { house, people, service } = this.#net
    const person = people.of(user)
    const mark = this.#echoes.markOf(user.text, id, text)
    if (house.live.isShared && (!person.spoken.has(id) || this.#net.can('ownEcho', 'in')))
      house.live.tell(SPOKEN, `${service.domain}\n${user}\n${mark}\n${id}`)
    person.speaks(id)
    this.#echoes.isNew(mark)
  }

  #do(deed: Deed, message: Message, user: Jid, id: string, key: string): { readonly kept: Promise<void> } {
    const { engine } = this.#net.house
    const { kept, done } = deed.run(engine, this.#net.keyOf(user), { peer: id }, this.#net.by(user, key))
    if (deed.quiet) return { kept: done.then(nothing, nothing) }
    const over = done.then(ack => (ack ? this.#taken(message, user, id, ack) : undefined))
    const told = over.catch(error => this.#refuse(message, error))
    if (message.id !== undefined) this.#follow(user, message.id, told)
    // What is not kept is told by its end.
    return { kept: kept ? Promise.race([kept.catch(() => told), told]) : this.#soon(told) }
  }

  /** Who names a message that is on its way waits for its id there, for a time. */
  #follow(user: Jid, id: string, done: Promise<void>): void {
    const all = this.#sending.get(user.text) ?? new Map<string, Promise<void>>()
    this.#sending.set(user.text, all)
    const sending = this.#soon(done).then(() => {
      if (all.get(id) === sending) all.delete(id)
      if (all.size === 0 && this.#sending.get(user.text) === all) this.#sending.delete(user.text)
    })
    all.set(id, sending)
  }

  #soon(done: Promise<void>): Promise<void> {
    const late = new Promise<void>(resolve => this.#net.house.clock.after(HANDED_OVER, resolve))
    return Promise.race([done, late])
  }

  /** Its id there is known before anything comes that names it. */
  async #taken(message: Message, user: Jid, id: string, ack: Ack): Promise<void> {
    const { engine } = this.#net.house
    if (ack.id !== undefined && message.id !== undefined) {
      const pair = { peer: id, native: ack.id, stanza: message.id }
      const mapping = engine.ids.add(this.#net.keyOf(user), pair)
      const both = Promise.all([this.#mapping.get(user.text), mapping]).catch(nothing)
      this.#mapping.set(user.text, both)
      await both
      if (this.#mapping.get(user.text) === both) this.#mapping.delete(user.text)
    }
    if (ack.level !== 'delivered' || message.id === undefined || !message.child('request', RECEIPTS)) return
    if (this.#net.people.of(user).arrives(message.id))
      await this.#net.say(message.to!.bare, user, [el('received', RECEIPTS, { id: message.id })])
  }

  async #refuse(message: Message, error: unknown): Promise<void> {
    const { house } = this.#net
    await house.route(errorOf(message, refusalOf(error, house.log)))
  }
}

function nothing(): void {}
