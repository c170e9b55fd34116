import { Jid } from '@parley/jid'
import { Body, Message, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import type { Change } from './journal.ts'
import { USER } from './namespaces.ts'
import type { Occupant } from './occupant.ts'
import type { Affiliation } from './roles.ts'
import type { Room } from './room.ts'
import { visibleTo } from './seeing.ts'

export const VERSIONS = 'urn:xmpp:muc:affiliations:1'
/** Accounts in one message. */
const PAGE = 500

/**
 * A client that enters tells which version of the lists it knows: it gets what has changed since, or all of them (XEP-0463
 * §5.2). Gives what its own presence has to say; undefined where it did not ask, or may not know.
 */
export function tellVersions(room: Room, to: Jid, occupant: Occupant, x: Element | undefined): Element | undefined {
  const mav = x?.child('mav', VERSIONS)
  if (!mav) return undefined
  const until = room.journal.version
  const since = mav.attrs['since'] || undefined
  try {
    const visible = readable(room, occupant, since)
    for (const message of since === until ? [] : pagesOf(room, visible, since)) room.hand(message.addressed(to))
    return el('mav', VERSIONS, { until })
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error
    room.hand(new Message({ type: 'error', from: room.jid, to }, Body.of([error.toElement()])))
    return undefined
  }
}

/** What goes into a presence that tells a change of affiliation (§5.2.2). */
export function markOf({ since, until }: Change): Element {
  return el('mav', VERSIONS, { since, until })
}

/** The change of somebody whom nobody sees here, for clients that have asked for it and may know (§5.2.2). */
export function tellChange(room: Room, account: Jid, now: Affiliation, change: Change): void {
  for (const occupant of room.occupants) {
    if (occupant.account.equals(account)) continue
    const affiliation = shownAs(visibleTo(room, occupant), now, change.before)
    if (!affiliation) continue
    const item = el('item', USER, { jid: account, affiliation, role: 'none' })
    const body = Body.of([el('x', USER, null, markOf(change), item)])
    for (const { jid, counts } of occupant.seats.values()) {
      // XEP-0045 §9.3: clients of old do without it.
      if (counts) room.hand(new Message({ type: 'normal', from: room.jid, to: jid }, body))
    }
  }
}

/** @throws StanzaError `forbidden` */
function readable(room: Room, occupant: Occupant, since: string | undefined): ReadonlySet<Affiliation> {
  const visible = visibleTo(room, occupant)
  if (visible.size === 0) throw new StanzaError('forbidden', 'Who belongs to this room is not for you to know')
  const changes = since === undefined ? undefined : room.journal.behind(since)
  const own = changes?.find(({ account }) => account === occupant.account.text)
  // §6: nobody learns of times when they did not belong to it.
  if (room.config.membersOnly && (own?.before === 'none' || own?.before === 'outcast')) {
    throw new StanzaError('forbidden', 'You did not belong to this room then')
  }
  return visible
}

function pagesOf(room: Room, visible: ReadonlySet<Affiliation>, since: string | undefined): Message[] {
  const changes = since === undefined ? undefined : room.journal.behind(since)
  const changed = changes && itemsOf(room, visible, changes)
  // There are no differences without items.
  if (changed && changed.length > 0) return messagesOf(room, changed, since)
  const all = [...room.affiliations].flatMap(([jid, { affiliation }]) =>
    visible.has(affiliation) ? el('item', USER, { jid, affiliation }) : [],
  )
  return messagesOf(room, all, undefined)
}

/** What those who have changed are now. */
function itemsOf(room: Room, visible: ReadonlySet<Affiliation>, changes: readonly Change[]): Element[] {
  const before = new Map<string, Affiliation>()
  for (const change of changes) if (!before.has(change.account)) before.set(change.account, change.before)
  return [...before].flatMap(([jid, was]) => {
    const affiliation = shownAs(visible, room.affiliationOf(Jid.parse(jid)), was)
    return affiliation ? el('item', USER, { jid, affiliation }) : []
  })
}

/** Whoever was on a list that is seen, and is on none any more, is nobody. */
function shownAs(visible: ReadonlySet<Affiliation>, now: Affiliation, was: Affiliation): Affiliation | undefined {
  if (visible.has(now)) return now
  return visible.has(was) ? 'none' : undefined
}

/** §5.2.1: each message goes on where the one before it ends. */
function messagesOf(room: Room, items: readonly Element[], since: string | undefined): Message[] {
  const messages: Message[] = []
  let from = since
  for (let start = 0; start === 0 || start < items.length; start += PAGE) {
    const isLast = start + PAGE >= items.length
    const until = isLast ? room.journal.version : `${room.journal.version}/${start + PAGE}`
    const mark = el('mav', VERSIONS, { since: from, until })
    const x = el('x', USER, null, mark, items.slice(start, start + PAGE))
    messages.push(new Message({ type: 'normal', from: room.jid }, Body.of([x])))
    from = until
  }
  return messages
}
