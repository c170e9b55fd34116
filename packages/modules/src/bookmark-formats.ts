import { Jid, JidError } from '@parley/jid'
import type { PubsubItem } from '@parley/store'
import { type Element, el, serialize } from '@parley/xml'
import { payloadOf } from './pubsub/events.ts'

export const BOOKMARKS = 'urn:xmpp:bookmarks:1'
export const STORAGE = 'storage:bookmarks'

/** All bookmarks in the one element of XEP-0048, which each item becomes a part of (XEP-0402 §5.3.1). */
export function collated(items: readonly PubsubItem[], others: readonly Element[] = []): Element {
  const rooms = items.map(item => legacyOf(item.id, payloadOf(item)))
  return el('storage', STORAGE, null, others, rooms)
}

/** XEP-0402 §5.1: the address stands in the id of the item. */
function legacyOf(jid: string, conference: Element): Element {
  const { name, autojoin } = conference.attrs
  const texts = ['nick', 'password'].map(part => {
    const text = conference.textOf(part, BOOKMARKS)
    return text === undefined ? undefined : el(part, STORAGE, null, text)
  })
  return el(
    'conference',
    STORAGE,
    { jid, name, autojoin: autojoin === undefined ? undefined : isTrue(autojoin) },
    texts,
  )
}

/** The rooms of a list, each as the payload of an item; what is no address is left out. */
export function roomsOf(storage: Element): Map<string, Element> {
  const rooms = new Map<string, Element>()
  for (const conference of storage.childrenNamed('conference', STORAGE)) {
    const jid = addressOf(conference.attrs['jid'])
    if (jid) rooms.set(jid, conference)
  }
  return rooms
}

/** What stands in a list beside rooms. */
export function othersOf(storage: Element | undefined): Element[] {
  return storage?.elements().filter(({ name, ns }) => name !== 'conference' || ns !== STORAGE) ?? []
}

/** The payload of an item for a room of a list; undefined where `before` says the same. What only items can say stays. */
export function changed(jid: string, conference: Element, before: Element | undefined): Element | undefined {
  const { name, autojoin } = conference.attrs
  const texts = ['nick', 'password'].map(part => {
    const text = conference.textOf(part, STORAGE)
    return text === undefined ? undefined : el(part, BOOKMARKS, null, text)
  })
  const extensions = before?.child('extensions', BOOKMARKS)
  const flag = autojoin === undefined ? undefined : isTrue(autojoin)
  const after = el('conference', BOOKMARKS, { name, autojoin: flag }, texts, extensions)
  const same = before && serialize(legacyOf(jid, before)) === serialize(legacyOf(jid, after))
  return same ? undefined : after
}

function isTrue(text: string): 'true' | 'false' {
  return text === 'true' || text === '1' ? 'true' : 'false'
}

function addressOf(text: string | undefined): string | undefined {
  try {
    return Jid.parse(text ?? '').bare.text
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
