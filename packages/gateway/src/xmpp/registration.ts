import type { LoginField } from '@parley/adapter'
import type { Jid } from '@parley/jid'
import { StanzaError } from '@parley/stanza'
import type { AccountState, AccountStatus } from '../engine.ts'
import type { Contacts } from './contacts.ts'
import type { Network } from './network.ts'
import type { Statuses } from './statuses.ts'

/** How long a new login may take before the user hears that it goes on by itself (ms). */
const PATIENCE = 15_000
/** States that are no refusal: a network that is away is tried again and again, and nobody waits for that. */
const LET_IN: ReadonlySet<AccountState> = new Set(['online', 'degraded', 'waiting'])
const BYTES = 1024
/** What would begin something of its own in a protocol of lines (threat 152). */
const CONTROL = /\p{Cc}/u

/** Giving a login and taking it back: the one way that forms, commands and the conversation with the network lead to. */
export class Registration {
  readonly #net: Network
  readonly #contacts: Contacts
  readonly #statuses: Statuses

  constructor(net: Network, contacts: Contacts, statuses: Statuses) {
    this.#net = net
    this.#contacts = contacts
    this.#statuses = statuses
  }

  get fields(): readonly LoginField[] {
    return this.#net.adapter.login
  }

  get instructions(): string {
    return `Give your login for ${this.#net.title}.`
  }

  /** What is kept of the user, but for secrets; undefined: not registered. */
  current(user: Jid): Promise<Readonly<Record<string, string>> | undefined> {
    return this.#net.house.engine.registration(this.#net.keyOf(user))
  }

  /** May the user register now? @throws StanzaError where not */
  async check(user: Jid): Promise<void> {
    const { house, provider, federated } = this.#net
    if (federated) throw new StanzaError('not-allowed', 'This network needs no registration')
    await house.access.check(provider, user, 'register')
    if (provider.retireAt !== undefined && !(await this.current(user)))
      throw new StanzaError('not-allowed', 'This network ends soon: nobody registers any more')
  }

  /** Keeps what was given, and tries it. Gives a sentence for the user. @throws StanzaError where it cannot be used */
  async register(user: Jid, given: (name: string) => string | undefined): Promise<string> {
    await this.check(user)
    const { house, title, jid } = this.#net
    const { fields, secrets } = this.#read(given)
    const key = this.#net.keyOf(user)
    const isNew = (await this.current(user)) === undefined
    await this.#statuses.answer(user, PATIENCE)
    await house.engine.register(key, fields, secrets)
    house.registered.changed(key.owner)
    const outcome = this.#statuses.next(user, isDecided, PATIENCE)
    house.engine.wake(key, { afresh: true })
    const status = await outcome
    if (status && !LET_IN.has(status.state)) {
      await (isNew ? this.#forget(user) : this.#statuses.answered(user, status.state))
      throw new StanzaError('not-acceptable', status.detail ?? 'The login is not accepted there')
    }
    await this.#statuses.afresh(user)
    let isContact = true
    await house.uses.roster.change(user, jid, item => {
      isContact = item.listed
      return isContact ? undefined : { ...item, listed: true, name: title, subscription: 'both', ask: false }
    })
    // A client that has just got it as a contact did not take what it said before for a contact's presence.
    if (!isContact) await house.route(this.#statuses.presence(this.status(user), user))
    house.log.info('gateway registered', { provider: this.#net.id, account: user.text })
    return status && status.state !== 'waiting'
      ? `You are logged in to ${title}.`
      : `${title} has not answered yet: it goes on by itself.`
  }

  /** Ends the session and forgets all. @throws StanzaError where there is nothing to forget */
  async unregister(user: Jid): Promise<void> {
    if (!(await this.#forget(user))) throw new StanzaError('registration-required', 'You are not registered here')
    this.#net.house.log.info('gateway unregistered', { provider: this.#net.id, account: user.text })
  }

  /** Tries again at once, whatever came of it before. */
  async reconnect(user: Jid): Promise<void> {
    const { house, provider } = this.#net
    await house.access.check(provider, user, 'reconnect')
    if (!(await this.current(user))) throw new StanzaError('registration-required', 'You have no login here to try')
    await this.#statuses.afresh(user)
    house.engine.wake(this.#net.keyOf(user), { afresh: true })
  }

  status(user: Jid): AccountStatus {
    return this.#net.house.engine.status(this.#net.keyOf(user))
  }

  async #forget(user: Jid): Promise<boolean> {
    const { house, people } = this.#net
    const key = this.#net.keyOf(user)
    const was = await house.engine.unregister(key)
    house.registered.changed(key.owner)
    await this.#statuses.afresh(user)
    // The node that has had the session says so; here nothing more is known.
    if (people.find(user)?.told) await this.#statuses.changed(user, { state: 'idle', since: house.clock.now() })
    await this.#contacts.forget(user)
    return was
  }

  #read(given: (name: string) => string | undefined) {
    const fields: Record<string, string> = {}
    const secrets: Record<string, string> = {}
    for (const { name, label, type, required } of this.fields) {
      const value = given(name) ?? ''
      if (value === '' && required) throw new StanzaError('not-acceptable', `${label} is missing`)
      if (value === '') continue
      if (Buffer.byteLength(value) > BYTES || CONTROL.test(value))
        throw new StanzaError('not-acceptable', `${label} cannot be that`)
      if (type === 'secret') secrets[name] = value
      else fields[name] = value
    }
    return { fields, secrets }
  }
}

function isDecided({ state }: AccountStatus): boolean {
  return state !== 'idle' && state !== 'connecting'
}
