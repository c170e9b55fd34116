import type { AnyModule } from '@xmpp/server-core'
import accounts from './accounts.ts'
import adHoc from './ad-hoc.ts'
import archive from './archive.ts'
import archivePreferences from './archive-preferences.ts'
import archiveRetention from './archive-retention.ts'
import authentication from './authentication.ts'
import avatars from './avatars.ts'
import bind from './bind.ts'
import bind2 from './bind2.ts'
import blocking from './blocking.ts'
import bookmarks from './bookmarks.ts'
import caps from './caps.ts'
import carbons from './carbons.ts'
import clientState from './client-state.ts'
import contactAddresses from './contact-addresses.ts'
import delayedDelivery from './delayed-delivery.ts'
import disco from './disco.ts'
import displayedSync from './displayed-sync.ts'
import fast from './fast.ts'
import federationPermission from './federation-permission.ts'
import groups from './groups.ts'
import invites from './invites.ts'
import lastActivity from './last-activity.ts'
import leftovers from './leftovers.ts'
import messageLog from './message-log.ts'
import messages from './messages.ts'
import muc from './muc/index.ts'
import notificationSettings from './notification-settings.ts'
import offline from './offline.ts'
import offlineQuota from './offline-quota.ts'
import pep from './pep.ts'
import ping from './ping.ts'
import policies from './policies.ts'
import presence from './presence.ts'
import privateXml from './private-xml.ts'
import pubsub from './pubsub/index.ts'
import registration from './registration.ts'
import reports from './reports.ts'
import retraction from './retraction.ts'
import roster from './roster.ts'
import sasl from './sasl.ts'
import sasl2 from './sasl2.ts'
import scramUpgrade from './scram-upgrade.ts'
import stanzaIds from './stanza-ids.ts'
import strangers from './strangers.ts'
import streamLimits from './stream-limits.ts'
import streamManagement from './stream-management.ts'
import subscription from './subscription.ts'
import time from './time.ts'
import vcard from './vcard.ts'
import vcard4 from './vcard4.ts'
import version from './version.ts'

/** Everything that a server speaks, in no particular order: the loader looks at what uses what. */
export const modules: readonly AnyModule[] = [
  accounts,
  adHoc,
  archive,
  archivePreferences,
  archiveRetention,
  authentication,
  avatars,
  bind,
  bind2,
  blocking,
  bookmarks,
  caps,
  carbons,
  clientState,
  contactAddresses,
  delayedDelivery,
  disco,
  displayedSync,
  fast,
  federationPermission,
  groups,
  invites,
  lastActivity,
  leftovers,
  messageLog,
  messages,
  muc,
  notificationSettings,
  offline,
  offlineQuota,
  pep,
  ping,
  policies,
  presence,
  privateXml,
  pubsub,
  registration,
  reports,
  retraction,
  roster,
  sasl,
  sasl2,
  scramUpgrade,
  stanzaIds,
  strangers,
  streamLimits,
  streamManagement,
  subscription,
  time,
  vcard,
  vcard4,
  version,
]
