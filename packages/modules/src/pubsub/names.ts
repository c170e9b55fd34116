import type { ErrorDetails } from '@parley/stanza'
import { el } from '@parley/xml'

/** Namespaces of XEP-0060. */
export const PUBSUB = 'http://jabber.org/protocol/pubsub'
export const PUBSUB_OWNER = `${PUBSUB}#owner`
export const PUBSUB_EVENT = `${PUBSUB}#event`
const ERRORS = `${PUBSUB}#errors`

/** Of an address that was printed by us. */
export function bareOf(jid: string): string {
  const slash = jid.indexOf('/')
  return slash < 0 ? jid : jid.slice(0, slash)
}

/** What publish-subscribe adds to an error (XEP-0060 §13). */
export function because(name: string, feature?: string): ErrorDetails {
  return { extra: [el(name, ERRORS, { feature })] }
}
