import { join } from 'node:path'
import type { Ack, Outgoing } from '@parley/adapter'
import type { Live } from '@parley/live'
import type { Store } from '@parley/store'
import { type Clock, type Logger, ROLES, type Role, Rounds } from '@xmpp/server-core'
import type { AccountKey, AccountStatus, Engine, IdMap, Provider, Sending } from '../engine.ts'
import { Accounts, keyRecord } from './accounts.ts'
import { Adapters, type Installed } from './adapters.ts'
import { childHost } from './child/host.ts'
import { deferred } from './deferred.ts'
import { Keyring } from './keep/keys.ts'
import { localHost } from './local-host.ts'
import { type Errand, Nodes } from './nodes.ts'
import { Net, type NetPolicy } from './run/net.ts'
import type { RunnerCommand } from './run/runner.ts'
import { SealedSettings } from './sealed-settings.ts'
import { Sessions } from './sessions.ts'
import { Unserved, UnservedError } from './unserved.ts'

export interface EngineParts {
  readonly adapters: readonly Installed[]
  readonly store: Store
  readonly live: Live
  readonly clock: Clock
  readonly log: Logger
  /** The domains of this server. */
  readonly domains: readonly string[]
  /** What this process does; absent: everything. Without `gateways` other processes run the sessions. */
  readonly roles?: readonly Role[]
  /** The networks, as the operator has them now. */
  providers(): ReadonlyMap<string, Provider>
  /** Hears what other nodes say about a topic. */
  hear(topic: string, listen: (text: string, from: string) => void): void
  /** Folder in which `gateway.key` is, or is made with the first secret. */
  readonly data: string
  /** The text of that file, where there is to be none. */
  readonly key?: string | undefined
  readonly net: NetPolicy
  /** Processes of each provider that its sessions are spread over; 0: they run in this one, for tests. */
  readonly processes?: number
  /** Mebibytes that a process may use. */
  readonly memory?: number
}

/** Beyond a message's own patience, for the node that has the account to answer (ms). */
const ANSWER = 120_000
/** How often messages of accounts that nobody wakes are looked for (ms). */
const OVERDUE = 60_000
const IDLE: AccountStatus = { state: 'idle', since: 0 }
/** Enough for ten thousand sessions of an adapter that is not wasteful. */
const MEMORY = 512

export async function openEngine(parts: EngineParts): Promise<Engine> {
  const { store, domains, data, key: text, processes = 1, memory = MEMORY } = parts
  const first = [...domains].sort()[0] ?? ''
  const keys = new Keyring({ file: join(data, 'gateway.key'), text }, keyRecord(store, first))
  // Without it this process seals and opens nothing; everything else goes on.
  await keys.check().catch((error: unknown) => parts.log.error('logins at other networks do not work here', { error }))
  const accounts = new Accounts(store, keys)
  const sealed = new SealedSettings(store, keys)
  const adapters = new Adapters(parts.adapters, parts.log)
  await Promise.all([...parts.providers().values()].map(({ adapter }) => adapters.load(adapter)))
  const net = new Net(parts.net, parts.clock)
  const sessions = new Sessions({
    ...{ adapters: adapters.loaded, accounts, sealed, store, clock: parts.clock, log: parts.log },
    providers: () => parts.providers(),
    host: (provider, adapter, secrets) => {
      if (processes === 0) return localHost(adapter, net, secrets)
      const log = parts.log.with({ provider: provider.id })
      const module = adapters.moduleOf(adapter.id)
      return childHost({
        module,
        net: parts.net,
        secrets,
        log,
        memory,
        clock: parts.clock,
        provider: provider.id,
        processes,
      })
    },
    // Not of what was given up: others have it, and say how it is.
    changed: (key, status) => sessions.known(key) && nodes.changed(key, status),
  })
  const nodes: Nodes = new Nodes({
    ...{ live: parts.live, clock: parts.clock, log: parts.log, hear: parts.hear, roles: parts.roles ?? ROLES },
    run: (key, errand, kept) => run(key, errand, kept),
    has: key => sessions.known(key) !== undefined,
    states,
    givenUp: startAgain,
    taken: key => unserved.leave(key),
    lost(keys) {
      parts.log.warn('a node with sessions of gateways is gone: they begin again', { sessions: keys.length })
      for (const key of keys) wake(key, false)
    },
  })
  const unserved = new Unserved({
    ...{ clock: parts.clock, log: parts.log },
    isServed: key => nodes.isServed(key),
    wake: key => wake(key, false),
    changed: (key, status) => sessions.say(key, status),
    moved: key => sessions.moved(key),
  })

  function* states() {
    for (const { key, status } of sessions.of()) if (status.state !== 'idle') yield [key, status] as const
  }

  /** What is asked of the node that has the account. */
  async function run(key: AccountKey, errand: Errand, kept: () => void): Promise<unknown> {
    switch (errand.do) {
      case 'wake':
        sessions.wake(key, errand.afresh)
        return undefined
      case 'rest':
        if (await sessions.rest(key)) nodes.leave(key)
        return undefined
      case 'drop':
        await sessions.drop(key)
        nodes.leave(key)
        return undefined
      case 'overdue':
        await sessions.overdue(key)
        return undefined
      case 'send': {
        const sending = sessions.send(key, errand.message as Outgoing)
        sending.kept.then(kept, () => {})
        return sending.done
      }
      case 'call':
        return sessions.call(key, errand.name as RunnerCommand, errand.args)
    }
  }

  /** Whoever has the accounts by now keeps them; what nobody has begins here. */
  async function startAgain(): Promise<void> {
    const wanted = await sessions.abandon()
    for (const key of wanted) wake(key, false)
  }

  function wake(key: AccountKey, afresh: boolean): void {
    nodes.run(key, { do: 'wake', afresh }).catch((error: unknown) => {
      if (error instanceof UnservedError) unserved.add(key)
      else parts.log.error('a session of a gateway could not be woken', { ...key, error })
    })
  }

  /** Ends something that is nowhere where no process runs sessions. */
  async function end(key: AccountKey, errand: 'rest' | 'drop'): Promise<void> {
    unserved.remove(key)
    await nodes.run(key, { do: errand }).catch(unlessUnserved)
  }

  /** Nobody has woken those accounts: their senders hear now that it came to nothing. */
  async function giveUp(): Promise<void> {
    // It takes no session to say so.
    for (const key of await store.gateways.overdue(parts.clock.now()))
      await nodes.run(key, { do: 'overdue' }).catch((error: unknown) => {
        unlessUnserved(error)
        return sessions.overdue(key)
      })
  }
  const rounds = new Rounds(giveUp, error =>
    parts.log.error('messages that waited too long were not given up', { error }),
  )
  const stopGivingUp = parts.clock.every(OVERDUE, () => rounds.begin())

  function send(key: AccountKey, message: Outgoing): Sending {
    const { promise: kept, resolve, reject } = deferred<void>()
    const patience = (parts.providers().get(key.provider)?.patience ?? 0) + ANSWER
    const done = nodes.run(key, { do: 'send', message }, () => resolve(), patience) as Promise<Ack>
    // What has been sent need not be kept.
    done.then(() => resolve(), reject)
    kept.catch(() => {})
    done.catch(() => {})
    return { kept, done }
  }

  async function registrations({ provider, owner }: Partial<AccountKey>): Promise<readonly AccountKey[]> {
    if (owner !== undefined) {
      const names = provider === undefined ? await accounts.providers(owner) : [provider]
      const known = await Promise.all(
        names.map(async name => (await accounts.fields({ provider: name, owner })) && name),
      )
      return known.filter(name => name !== undefined).map(name => ({ provider: name, owner }))
    }
    const names = provider === undefined ? [...parts.providers().keys()] : [provider]
    const lists = names.flatMap(name =>
      domains.map(async domain => (await accounts.owners(domain, name)).map(each => ({ provider: name, owner: each }))),
    )
    return (await Promise.all(lists)).flat()
  }

  return {
    installed: adapters.ids,
    adapters: adapters.loaded,
    load: id => adapters.load(id),
    ids: idMap(store),
    listen: listener => sessions.listen(listener),
    async register(key, fields, secrets) {
      await accounts.register(key, fields, secrets)
    },
    async unregister(key) {
      await end(key, 'drop')
      return accounts.unregister(key)
    },
    registration: key => accounts.fields(key),
    registrations,
    wake: (key, { afresh = false } = {}) => wake(key, afresh),
    rest: key => end(key, 'rest'),
    status: key => sessions.known(key)?.status ?? unserved.status(key) ?? nodes.status(key) ?? IDLE,
    sessions: states,
    send,
    run: (async (key: AccountKey, name: string, ...args: unknown[]) =>
      name === 'send'
        ? send(key, args[0] as Outgoing).done
        : nodes.run(key, { do: 'call', name, args })) as Engine['run'],
    media: async id => sessions.pictures.get(id),
    async providerChanged(id) {
      const provider = parts.providers().get(id)
      if (provider) await adapters.load(provider.adapter)
      await sessions.restart(id)
    },
    keepSettings: (provider, secrets) => sealed.keep(provider, secrets),
    forgetSettings: provider => sealed.forget(provider),
    async rotateKeys() {
      await keys.renew()
      let count = 0
      for (const each of await registrations({})) count += await accounts.rewrap(each)
      for (const provider of parts.providers().keys()) count += await sealed.rewrap(provider)
      return count
    },
    async stop() {
      stopGivingUp()
      unserved.stop()
      nodes.stop()
      await sessions.stop()
    },
  }
}

/** @throws what else it is */
function unlessUnserved(error: unknown): void {
  if (!(error instanceof UnservedError)) throw error
}

function idMap({ gateways }: Store): IdMap {
  return {
    add: (key, pair) => gateways.addId(key, pair),
    byNative: (key, native) => gateways.idByNative(key, native),
    byStanza: (key, stanza) => gateways.idByStanza(key, stanza),
  }
}
