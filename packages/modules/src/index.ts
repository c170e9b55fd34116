import type { AnyModule } from '@xmpp/server-core'
import accounts from './accounts.ts'
import authentication from './authentication.ts'
import bind from './bind.ts'
import groups from './groups.ts'
import messages from './messages.ts'
import ping from './ping.ts'
import presence from './presence.ts'
import roster from './roster.ts'
import sasl from './sasl.ts'
import streamManagement from './stream-management.ts'
import subscription from './subscription.ts'

/** Everything that a server speaks, in no particular order: the loader looks at what uses what. */
export const modules: readonly AnyModule[] = [
  accounts,
  authentication,
  bind,
  groups,
  messages,
  ping,
  presence,
  roster,
  sasl,
  streamManagement,
  subscription,
]
