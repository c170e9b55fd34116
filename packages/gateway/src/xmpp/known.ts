import type { Contact } from '@parley/adapter'
import type { RosterItem } from '@parley/store'
import { cleanLine } from '../engine/text/clean.ts'

/** A contact as the network had it when it was merged last. */
export interface KnownContact {
  readonly name?: string
  readonly groups: readonly string[]
  readonly subscription: RosterItem['subscription']
  /** The user has removed it here, and the network has not said yet that it is gone. */
  readonly removed?: true
  readonly [key: string]: string | readonly string[] | boolean | undefined
}

export function knownOf({ name = '', groups = [], subscription }: Contact): KnownContact {
  const called = cleanLine(name)
  const within = groups.map(cleanLine).filter(group => group !== '')
  return { ...(called !== '' && { name: called }), groups: [...new Set(within)], subscription }
}

export function isSame(a: KnownContact | undefined, b: KnownContact): boolean {
  return (
    a !== undefined &&
    a.name === b.name &&
    a.subscription === b.subscription &&
    a.groups.length === b.groups.length &&
    a.groups.every(group => b.groups.includes(group))
  )
}

/**
 * A row of the roster with what has changed there since it was merged last: what the user has made of it here stays,
 * where the network says what it said before.
 */
export function merged(item: RosterItem, was: KnownContact | undefined, is: KnownContact, asked: boolean): RosterItem {
  const { name: own, pendingIn, ...rest } = item
  const isOwn = was ? was.name === is.name : own !== undefined
  const name = isOwn ? own : is.name
  const keepsGroups = was ? was.groups.join('\n') === is.groups.join('\n') : item.listed && item.groups.length > 0
  const subscription = was?.subscription === is.subscription ? item.subscription : is.subscription
  const sees = subscription === 'to' || subscription === 'both'
  const isSeen = subscription === 'from' || subscription === 'both'
  return {
    ...rest,
    listed: true,
    ...(name !== undefined && { name }),
    ...(pendingIn !== undefined && !isSeen && { pendingIn }),
    groups: keepsGroups ? item.groups : is.groups,
    subscription,
    ask: !sees && (asked || item.ask),
  }
}

/** Whether a client would see no difference. */
export function looksSame(a: RosterItem, b: RosterItem): boolean {
  return (
    a.listed === b.listed &&
    a.name === b.name &&
    a.subscription === b.subscription &&
    a.ask === b.ask &&
    a.pendingIn === b.pendingIn &&
    a.groups.join('\n') === b.groups.join('\n')
  )
}

/** A row that is none any more. */
export function gone({ contact }: RosterItem): RosterItem {
  return { contact, listed: false, groups: [], subscription: 'none', ask: false, approved: false }
}
