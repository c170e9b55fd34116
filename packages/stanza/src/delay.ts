import type { Jid } from '@parley/jid'
import { type Element, el } from '@parley/xml'
import { formatDateTime } from './datetime.ts'
import { NS } from './namespaces.ts'
import type { Stanza } from './stanza.ts'

/** XEP-0203: when a stanza was first sent, said by `from`. */
export function delay(from: Jid | string, ms: number, reason?: string): Element {
  return el('delay', NS.delay, { from, stamp: formatDateTime(ms) }, reason)
}

/** XEP-0297 §3: a stanza inside another, with the time it was received. Its namespace is written out by the tree. */
export function forwarded(stanza: Stanza, stamp?: Element): Element {
  return el('forwarded', NS.forward, null, stamp, stanza.toElement())
}
