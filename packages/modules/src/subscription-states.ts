import type { RosterItem } from '@parley/store'

type Change = Partial<Pick<RosterItem, 'subscription' | 'ask' | 'approved'>> & {
  readonly pendingIn?: string | undefined
}

export interface Outcome {
  /** What changes in the row; undefined: nothing. */
  readonly change?: Change
  /** Whether the stanza goes on: outbound to the contact, inbound to the user. */
  readonly pass: boolean
}

const PASS: Outcome = { pass: true }
const STOP: Outcome = { pass: false }

const sees = ({ subscription }: RosterItem) => subscription === 'to' || subscription === 'both'
const isSeen = ({ subscription }: RosterItem) => subscription === 'from' || subscription === 'both'
const without = (item: RosterItem, direction: 'to' | 'from') =>
  item.subscription === 'both'
    ? direction === 'to'
      ? 'from'
      : 'to'
    : item.subscription === direction
      ? 'none'
      : item.subscription
const withDirection = (item: RosterItem, direction: 'to' | 'from') =>
  item.subscription === 'none' || item.subscription === direction ? direction : 'both'

/** What the user sends to a contact (RFC 6121 appendix A.2). */
export const outboundStates = {
  /** A.2.1 */
  subscribe: (item: RosterItem): Outcome => (sees(item) || item.ask ? PASS : { pass: true, change: { ask: true } }),
  /** A.2.2 */
  unsubscribe: (item: RosterItem): Outcome => ({
    pass: true,
    ...(item.ask || sees(item) ? { change: { ask: false, subscription: without(item, 'to') } } : {}),
  }),
  /** A.2.3; without a request it approves the contact in advance (§3.4). */
  subscribed(item: RosterItem): Outcome {
    if (item.pendingIn !== undefined) {
      return {
        pass: true,
        change: { subscription: withDirection(item, 'from'), pendingIn: undefined, approved: false },
      }
    }
    return isSeen(item) || item.approved ? STOP : { pass: false, change: { approved: true } }
  },
  /** A.2.4; takes back an approval in advance too. */
  unsubscribed(item: RosterItem): Outcome {
    if (item.pendingIn === undefined && !isSeen(item)) {
      return item.approved ? { pass: false, change: { approved: false } } : STOP
    }
    return { pass: true, change: { subscription: without(item, 'from'), pendingIn: undefined, approved: false } }
  },
} as const

/** What a contact sends to the user (RFC 6121 appendix A.3). */
export const inboundStates = {
  /** A.3.1; approvals in advance are looked at before. */
  subscribe: (item: RosterItem, request: string): Outcome =>
    isSeen(item) || item.pendingIn !== undefined ? STOP : { pass: true, change: { pendingIn: request } },
  /** A.3.2 */
  unsubscribe: (item: RosterItem): Outcome =>
    isSeen(item) || item.pendingIn !== undefined
      ? { pass: true, change: { subscription: without(item, 'from'), pendingIn: undefined } }
      : STOP,
  /** A.3.3 */
  subscribed: (item: RosterItem): Outcome =>
    item.ask && !sees(item) ? { pass: true, change: { ask: false, subscription: withDirection(item, 'to') } } : STOP,
  /** A.3.4 */
  unsubscribed: (item: RosterItem): Outcome =>
    item.ask || sees(item) ? { pass: true, change: { ask: false, subscription: without(item, 'to') } } : STOP,
} as const

export type SubscriptionType = keyof typeof inboundStates

export function isSubscriptionType(type: string): type is SubscriptionType {
  return Object.hasOwn(inboundStates, type)
}

export function applyChange(item: RosterItem, { pendingIn, ...change }: Change, touchPending: boolean): RosterItem {
  if (!touchPending) return { ...item, ...change }
  const { pendingIn: _old, ...rest } = item
  return pendingIn === undefined ? { ...rest, ...change } : { ...rest, ...change, pendingIn }
}
