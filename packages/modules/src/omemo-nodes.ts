import type { PubsubOptions } from '@parley/store'

const OPEN = { access_model: 'open' }
/** One item for each device. */
const OPEN_TO_MANY = { ...OPEN, max_items: 'max' }
const OLD = 'eu.siacs.conversations.axolotl'
/** The device's number follows. */
const OLD_BUNDLE = `${OLD}.bundles:`

const NODES: ReadonlyMap<string, PubsubOptions> = new Map([
  ['urn:xmpp:omemo:2:devices', OPEN],
  ['urn:xmpp:omemo:2:bundles', OPEN_TO_MANY],
  [`${OLD}.devicelist`, OPEN],
])

/**
 * What a node must be like so that others can encrypt for the account (XEP-0384 §5.3.1, §5.3.2; those of version 0.3 too, which
 * most clients use); undefined: it is a node of something else.
 */
export function omemoNode(name: string): PubsubOptions | undefined {
  return NODES.get(name) ?? (name.startsWith(OLD_BUNDLE) ? OPEN : undefined)
}
