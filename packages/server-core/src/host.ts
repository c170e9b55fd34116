import { Jid } from '@parley/jid'
import type { Live } from '@parley/live'
import type { Clock } from '@parley/net'
import type { Store } from '@parley/store'
import { Accounts } from './accounts.ts'
import { type Awaitable, chain } from './awaitable.ts'
import type { Command } from './commands.ts'
import type { DomainConfig } from './config/schema.ts'
import {
  accountCreated,
  accountRemoved,
  accountSecured,
  acquaintance,
  becameAvailable,
  bound2,
  inbound,
  leaving,
  maybeMissed,
  outbound,
  sessionEnded,
  sessionOpened,
  sessionResumed,
  strayed,
} from './events.ts'
import { Hooks, observe } from './hooks.ts'
import { IqRoutes } from './iq.ts'
import type { Logger } from './log.ts'
import type { AnyModule, Identity, Xep } from './module.ts'
import type { StreamFeature } from './stream/feature.ts'

/** What all hosts of a server share. */
export interface HostParts {
  readonly store: Store
  readonly live: Live
  readonly clock: Clock
  readonly log: Logger
  readonly iterations: number
}

/** A hosted domain: its accounts, and what its modules have installed. */
export class Host {
  readonly domain: string
  readonly jid: Jid
  readonly config: DomainConfig
  readonly log: Logger
  readonly accounts: Accounts
  readonly hooks = new Hooks()
  readonly iq = new IqRoutes()
  readonly streamFeatures: StreamFeature[] = []
  readonly commands: Command[] = []
  readonly features = { host: new Set<string>(), account: new Set<string>() }
  readonly identities = { host: [] as Identity[], account: [] as Identity[] }
  readonly xeps: Xep[] = []
  readonly modules = new Map<string, AnyModule>()
  /** Domains of services under this one (rooms, upload), for disco#items: address and name. */
  readonly services = new Map<string, string>()

  readonly inbound: Phases<'guard' | 'rewrite' | 'store' | 'copy' | 'deliver'>
  readonly outbound: Phases<'guard' | 'rewrite' | 'store' | 'copy' | 'send'>
  /** Decides what leaves for other domains. */
  readonly leaving = this.hooks.phase(leaving, 'guard')
  readonly observers = {
    opened: this.hooks.phase(sessionOpened, 'observe'),
    resumed: this.hooks.phase(sessionResumed, 'observe'),
    ended: this.hooks.phase(sessionEnded, 'observe'),
    available: this.hooks.phase(becameAvailable, 'observe'),
    strayed: this.hooks.phase(strayed, 'observe'),
    acquaintance: this.hooks.phase(acquaintance, 'observe'),
    missed: this.hooks.phase(maybeMissed, 'observe'),
    bound2: this.hooks.phase(bound2, 'observe'),
  }

  constructor(config: DomainConfig, parts: HostParts) {
    this.domain = config.domain
    this.jid = Jid.parse(config.domain)
    this.config = config
    this.log = parts.log.with({ host: config.domain })
    this.accounts = new Accounts(parts.store, parts.clock, parts.iterations)
    const into = (name: 'guard' | 'rewrite' | 'store' | 'copy') => this.hooks.phase(inbound, name)
    const out = (name: 'guard' | 'rewrite' | 'store' | 'copy') => this.hooks.phase(outbound, name)
    this.inbound = {
      guard: into('guard'),
      rewrite: into('rewrite'),
      store: into('store'),
      copy: into('copy'),
      deliver: this.hooks.phase(inbound, 'deliver'),
    }
    this.outbound = {
      guard: out('guard'),
      rewrite: out('rewrite'),
      store: out('store'),
      copy: out('copy'),
      send: this.hooks.phase(outbound, 'send'),
    }
    const created = this.hooks.phase(accountCreated, 'observe')
    const removed = this.hooks.phase(accountRemoved, 'observe')
    const secured = this.hooks.phase(accountSecured, 'observe')
    this.accounts.listen({
      created: account => observe(created, { account }, this.log),
      removed: account => observe(removed, { account }, this.log),
      secured: (account, except) => observe(secured, { account, except }, this.log),
    })
  }

  /** Whether somebody is a contact of an account here, or was asked to be one. */
  knows(account: Jid, other: Jid): Awaitable<boolean> {
    const event = { account, other, known: false }
    return chain(observe(this.observers.acquaintance, event, this.log), () => event.known)
  }
}

type Phases<N extends string> = { readonly [K in N]: ReturnType<Hooks['phase']> }
