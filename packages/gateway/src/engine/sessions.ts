import {
  type Ack,
  type Adapter,
  AdapterError,
  type Event,
  type Outgoing,
  readSetting,
  type SettingValues,
} from '@parley/adapter'
import type { Store } from '@parley/store'
import type { Clock, Logger } from '@xmpp/server-core'
import type { AccountKey, AccountStatus, EngineListener, Provider, Sending } from '../engine.ts'
import type { Accounts } from './accounts.ts'
import type { Host } from './host.ts'
import { Account, type Setup } from './lifecycle.ts'
import { Outbox } from './outbox.ts'
import { Pictures } from './pictures.ts'
import { Ramp } from './ramp.ts'
import type { Ask, Core, SessionInit } from './run/context.ts'
import type { RunnerCommand } from './run/runner.ts'
import type { SealedSettings } from './sealed-settings.ts'
import { Slices } from './slices.ts'
import { argumentsOf, piecesOf } from './text/outgoing.ts'

export interface SessionsParts {
  readonly adapters: ReadonlyMap<string, Adapter>
  readonly accounts: Accounts
  readonly sealed: SealedSettings
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  providers(): ReadonlyMap<string, Provider>
  /** Where sessions of a provider run. `secrets`: what is in its settings, and may not be logged. */
  host(provider: Provider, adapter: Adapter, secrets: readonly string[]): Host
  changed(key: AccountKey, status: AccountStatus): unknown
}

/** Messages that may wait for one account, and for a network of which there is one session for all. */
const WAITING = { account: 1000, federation: 50_000 } as const
/** How often silent sessions are looked for (ms). */
const TICK = 5000

/** The accounts whose sessions this node has. */
export class Sessions {
  readonly pictures = new Pictures()
  readonly #parts: SessionsParts
  readonly #ramp: Ramp
  readonly #slices = new Slices()
  readonly #accounts = new Map<string, Account>()
  readonly #hosts = new Map<string, Host>()
  readonly #listeners: EngineListener[] = []
  readonly #stopTicking: () => void

  constructor(parts: SessionsParts) {
    this.#parts = parts
    this.#ramp = new Ramp(parts.clock)
    this.#stopTicking = parts.clock.every(TICK, () => {
      for (const account of this.#accounts.values()) account.tick()
    })
  }

  listen(listener: EngineListener): void {
    this.#listeners.push(listener)
  }

  /** The account, if it has anything to do here. */
  known(key: AccountKey): Account | undefined {
    return this.#accounts.get(nameOf(key))
  }

  *of(provider?: string): Generator<Account> {
    for (const account of this.#accounts.values())
      if (provider === undefined || account.key.provider === provider) yield account
  }

  wake(key: AccountKey, afresh: boolean): void {
    this.#account(key).wake(afresh)
  }

  /** True: the account has nothing to do here any more. */
  async rest(key: AccountKey): Promise<boolean> {
    const account = this.known(key)
    await account?.rest()
    return this.#forget(key)
  }

  /** @throws AdapterError where there is no such network */
  send(key: AccountKey, message: Outgoing): Sending {
    const account = this.#account(key)
    const pieces = piecesOf(message, this.#find(key)!.adapter.capabilities)
    const sendings = pieces.map(piece => account.send(piece))
    const done = Promise.all(sendings.map(sending => sending.done)).then(acks => this.#written(key, message, acks))
    done.catch(() => {})
    const over = () => void this.#forget(key)
    done.then(over, over)
    return { kept: Promise.all(sendings.map(sending => sending.kept)).then(() => {}), done }
  }

  /** Gives up what has waited too long for an account that nobody has woken. */
  async overdue(key: AccountKey): Promise<void> {
    if (this.#find(key)) {
      await this.#account(key).outbox.load()
      this.#forget(key)
      return
    }
    // The network is not there any more.
    const { gateways } = this.#parts.store
    for (const { key: letter, message } of await gateways.queued(key)) {
      // Whoever takes it away says so.
      if (!(await gateways.unqueue(key, letter))) continue
      const { user } = JSON.parse(message) as Outgoing
      const error = new AdapterError('denied', 'There is no such network any more')
      await this.#hear(key, { ...(user !== undefined && { user }), type: 'bounced', key: letter, error })
    }
  }

  async call(key: AccountKey, name: RunnerCommand, args: readonly unknown[]): Promise<unknown> {
    const account = this.known(key)
    if (!account) throw new AdapterError('transient', 'The network is not connected')
    const found = this.#find(key)
    return account.call(name, found ? argumentsOf(name, args, found.adapter.capabilities) : args)
  }

  /** Ends what there is of an account, for good. */
  async drop(key: AccountKey): Promise<void> {
    const account = this.known(key)
    await account?.rest()
    await account?.outbox.refuse(new AdapterError('denied', 'There is no account with the network any more'))
    account?.outbox.stop()
    this.#accounts.delete(nameOf(key))
  }

  /** The sessions of a provider begin again, as its record says now. */
  async restart(provider: string): Promise<void> {
    const accounts = [...this.of(provider)]
    const host = this.#hosts.get(provider)
    this.#hosts.delete(provider)
    const wanted = accounts.filter(account => account.isWanted)
    await Promise.all(accounts.map(account => account.rest()))
    await host?.close()
    for (const account of wanted) account.renew()
  }

  /** Ends everything, and gives who was wanted: others have it by now. */
  async abandon(): Promise<readonly AccountKey[]> {
    const accounts = [...this.#accounts.values()]
    this.#accounts.clear()
    const wanted = accounts.filter(account => account.isWanted).map(({ key }) => key)
    await Promise.all(accounts.map(account => account.rest()))
    for (const account of accounts) account.outbox.stop()
    return wanted
  }

  async stop(): Promise<void> {
    this.#stopTicking()
    await this.abandon()
    this.#ramp.stop()
    await Promise.all([...this.#hosts.values()].map(host => host.close()))
  }

  /** @throws AdapterError where there is no such network */
  #account(key: AccountKey): Account {
    const known = this.known(key)
    if (known) return known
    const { clock, log, store } = this.#parts
    const found = this.#find(key)
    if (!found) throw new AdapterError('not-found', 'There is no such network')
    const { provider, adapter } = found
    const account: Account = new Account({
      ...{ key, clock, log, ramp: this.#ramp, slices: this.#slices, core: this.#core(key) },
      outbox: new Outbox({
        ...{ key, clock, store: store.gateways, patience: provider.patience, most: WAITING[adapter.mode] },
        rate: adapter.capabilities.rate,
        call: message => account.call('send', [message]) as ReturnType<NonNullable<Outbox['send']>>['done'],
        sent: async (message, ack) => {
          const pair = ack.id !== undefined && { peer: message.to.peer, native: ack.id, stanza: message.key }
          if (pair) await store.gateways.addId(key, pair)
        },
        failed: (message, error) => {
          const user = message.user === undefined ? {} : { user: message.user }
          void this.#hear(key, { ...user, type: 'bounced', key: message.key, error })
        },
        trouble: error => log.error('a message for another network could not be kept or forgotten', { ...key, error }),
      }),
      place: () => placeOf(this.#find(key)?.provider),
      setup: () => this.#setup(key),
      hear: event => this.#hear(key, event),
      changed: status => this.#changed(key, status),
    })
    this.#accounts.set(nameOf(key), account)
    return account
  }

  /** A message that became several there has several ids: whoever asked knows of the first one. */
  async #written(key: AccountKey, { to, key: stanza }: Outgoing, acks: readonly Ack[]): Promise<Ack> {
    const [first, ...others] = acks
    for (const { id } of others)
      if (id !== undefined) await this.#parts.store.gateways.addId(key, { peer: to.peer, native: id, stanza })
    return first!
  }

  #find(key: AccountKey): { readonly provider: Provider; readonly adapter: Adapter } | undefined {
    const provider = this.#parts.providers().get(key.provider)
    const adapter = provider && this.#parts.adapters.get(provider.adapter)
    return provider && adapter && { provider, adapter }
  }

  async #setup(key: AccountKey): Promise<Setup | undefined> {
    const found = this.#find(key)
    if (!found?.provider.enabled) return undefined
    const { provider, adapter } = found
    const isAccount = adapter.mode === 'account'
    const fields = isAccount ? await this.#parts.accounts.fields(key) : undefined
    if (isAccount && !fields) return undefined
    const domain = isAccount ? `${key.provider}.${key.owner.slice(key.owner.indexOf('@') + 1)}` : key.owner
    const settings = settingsOf(adapter, provider, await this.#parts.sealed.open(provider.id))
    const init: SessionInit = {
      domain,
      settings: settings as SessionInit['settings'],
      account: fields && { owner: key.owner, fields },
    }
    return { init, host: this.#host(provider, adapter, secretsIn(adapter, settings)) }
  }

  #host(provider: Provider, adapter: Adapter, secrets: readonly string[]): Host {
    const known = this.#hosts.get(provider.id) ?? this.#parts.host(provider, adapter, secrets)
    this.#hosts.set(provider.id, known)
    return known
  }

  #core(key: AccountKey): Core {
    const log = this.#parts.log.with({ provider: key.provider, account: key.owner })
    return {
      ask: ask => this.#answer(key, ask),
      log: (level, text, about) =>
        log[level]('said by the adapter', { text, ...(about && { about: JSON.stringify(about) }) }),
    }
  }

  async #answer(key: AccountKey, ask: Ask): Promise<unknown> {
    switch (ask.what) {
      case 'get':
        return this.#parts.accounts.get(ask.vault, key, ask.name)
      case 'set':
        return this.#parts.accounts.set(ask.vault, key, ask.name, ask.value)
      case 'put':
        return this.pictures.put(ask.bytes, ask.type)
      case 'media':
        return this.pictures.get(ask.id)
    }
  }

  async #hear(key: AccountKey, event: Event): Promise<void> {
    try {
      for (const listener of this.#listeners) {
        const heard = listener.event(key, event)
        if (heard) await heard
      }
    } catch (error) {
      this.#parts.log.error('an event of another network could not be handled', { ...key, type: event.type, error })
    }
  }

  #changed(key: AccountKey, status: AccountStatus): void {
    this.#parts.changed(key, status)
    this.say(key, status)
  }

  /** Tells listeners that another process says how it is with an account. */
  moved(key: AccountKey): void {
    for (const listener of this.#listeners) listener.moved?.(key)
  }

  /** Tells listeners how it is with an account. */
  say(key: AccountKey, status: AccountStatus): void {
    for (const listener of this.#listeners) {
      try {
        listener.status(key, status)
      } catch (error) {
        this.#parts.log.error('a state of a gateway could not be told', { ...key, error })
      }
    }
  }

  /** Lets go of an account that has nothing to do. */
  #forget(key: AccountKey): boolean {
    const account = this.known(key)
    if (!account) return true
    if (account.isWanted || account.status.state !== 'idle' || account.outbox.size > 0) return false
    account.outbox.stop()
    return this.#accounts.delete(nameOf(key))
  }
}

function nameOf({ provider, owner }: AccountKey): string {
  return `${provider} ${owner}`
}

/** Where sessions of a provider go: its host, where the adapter has such a setting. */
function placeOf(provider: Provider | undefined): string {
  const host = provider?.settings['host'] ?? provider?.settings['server']
  return typeof host === 'string' && host !== '' ? host : `provider ${provider?.id}`
}

/** What the operator has set, and for the rest what the adapter says. `secrets`: what was kept sealed of it. */
function settingsOf(
  adapter: Adapter,
  provider: Provider,
  secrets: Readonly<Record<string, string>>,
): SettingValues<Adapter['settings']> {
  const values = Object.entries(adapter.settings).map(([name, setting]) => {
    const given = secrets[name] ?? provider.settings[name]
    const value = given === undefined ? undefined : readSetting(setting, String(given))
    return [name, value ?? setting.default]
  })
  return Object.fromEntries(values) as SettingValues<Adapter['settings']>
}

/** What an operator has set as a secret: it is not logged either. */
function secretsIn(adapter: Adapter, values: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(adapter.settings)
    .filter(([, setting]) => setting.type === 'secret')
    .map(([name]) => String(values[name]))
    .filter(value => value !== '')
}
