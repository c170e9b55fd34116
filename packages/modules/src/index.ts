import type { AnyModule } from '@xmpp/server-core'
import accounts from './accounts.ts'
import authentication from './authentication.ts'
import bind from './bind.ts'
import blocking from './blocking.ts'
import caps from './caps.ts'
import contactAddresses from './contact-addresses.ts'
import disco from './disco.ts'
import groups from './groups.ts'
import invites from './invites.ts'
import lastActivity from './last-activity.ts'
import messages from './messages.ts'
import ping from './ping.ts'
import presence from './presence.ts'
import privateXml from './private-xml.ts'
import registration from './registration.ts'
import roster from './roster.ts'
import sasl from './sasl.ts'
import streamManagement from './stream-management.ts'
import subscription from './subscription.ts'
import time from './time.ts'
import vcard from './vcard.ts'
import version from './version.ts'

/** Everything that a server speaks, in no particular order: the loader looks at what uses what. */
export const modules: readonly AnyModule[] = [
  accounts,
  authentication,
  bind,
  blocking,
  caps,
  contactAddresses,
  disco,
  groups,
  invites,
  lastActivity,
  messages,
  ping,
  presence,
  privateXml,
  registration,
  roster,
  sasl,
  streamManagement,
  subscription,
  time,
  vcard,
  version,
]
