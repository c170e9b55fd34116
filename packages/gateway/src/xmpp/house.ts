import type { Logger, Context as ModuleContext } from '@xmpp/server-core'
import type { Engine } from '../engine.ts'
import type { Access } from './access.ts'
import type { Stores, Using } from './needs.ts'
import type { Providers } from './providers.ts'
import type { Registered } from './registered.ts'
import type { Seats } from './seats.ts'

/** What all networks of a host share. */
export interface House {
  readonly host: ModuleContext['host']
  readonly server: ModuleContext['server']
  readonly live: ModuleContext['live']
  readonly store: ModuleContext['store']
  readonly clock: ModuleContext['clock']
  readonly route: ModuleContext['route']
  readonly log: Logger
  readonly config: { readonly grace: number }
  readonly stores: Stores
  readonly uses: Using
  readonly engine: Engine
  readonly providers: Providers
  readonly seats: Seats
  readonly access: Access
  readonly registered: Registered
  /** Of another domain of this server, or of this one. */
  houseOf(domain: string): House | undefined
}
