import type { Jid } from '@parley/jid'
import type { SessionEntry } from '@parley/live'
import type { Message } from '@parley/stanza'

/** Which sessions of an account get a message (RFC 6121 §8.5.2, §8.5.3). */
export function targetsOf(
  { type, to }: Message,
  account: Jid,
  entries: readonly SessionEntry[],
): readonly SessionEntry[] {
  const address = to ?? account
  if (!address.isBare) {
    // §8.5.3.1: the resource that is named, available or not.
    const named = entries.filter(entry => entry.jid.equals(address))
    // §8.5.3.2.1: only a chat message for a resource that is not there is for the others.
    if (named.length > 0 || type !== 'chat') return named
  }
  // §8.5.2.1.1: rooms speak to resources, and errors answer them.
  if (type === 'groupchat' || type === 'error') return []
  return wanting(entries)
}

/** Sessions that are available and want messages for the account (RFC 6121 §4.7.2.3). */
export function wanting(entries: readonly SessionEntry[]): readonly SessionEntry[] {
  return entries.every(wants) ? entries : entries.filter(wants)
}

/** Whether a message that no session gets now may reach one later (§8.5.2.2.1, §8.5.3.2.1). */
export function mayWait({ type, to }: Message): boolean {
  return type === 'chat' || (type === 'normal' && (to === undefined || to.isBare))
}

function wants({ presence }: SessionEntry): boolean {
  return presence !== undefined && presence.priority >= 0
}
