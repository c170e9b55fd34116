import { Jid } from '@parley/jid'
import type { Message } from '@parley/stanza'
import type { PubsubNode, PubsubSubscription } from '@parley/store'
import { el } from '@parley/xml'
import { type Awaitable, type Context, chain } from '@xmpp/server-core'
import { toAll } from '../slices.ts'
import { bareOf } from './names.ts'
import type { PubsubService } from './service.ts'
import { isListening, showsOf } from './subscription-options.ts'

const SHIM = 'http://jabber.org/protocol/shim'

export interface Audience extends Pick<Context, 'live' | 'route'> {
  /** Looked at again for every message: access may have ended since (threat 106). The node has that subscription alone. */
  mayHear(service: PubsubService, node: PubsubNode, jid: Jid): Awaitable<boolean>
}

/**
 * Brings news to those who subscribed by name, listen and still may (XEP-0060 §12.2); not to the addresses in `heard`.
 * `isOfItems`: what is told differs by subscription (§12.14).
 */
export function toSubscribers(
  audience: Audience,
  service: PubsubService,
  node: PubsubNode,
  message: Message,
  isOfItems: boolean,
  heard?: ReadonlySet<string>,
): Awaitable<void> {
  const now = service.now()
  const all = node.subscriptions.filter(one => isListening(one, now) && !heard?.has(one.jid))
  const several = isOfItems ? subscribedTwice(all) : undefined
  return toAll(all, one => {
    const jid = Jid.parse(one.jid)
    return chain(audience.mayHear(service, { ...node, subscriptions: [one] }, jid), may =>
      may ? deliver(audience, jid, one, several?.has(bareOf(one.jid)) ? marked(message, one) : message) : undefined,
    )
  })
}

function deliver({ live, route }: Audience, jid: Jid, { options }: PubsubSubscription, message: Message) {
  const shows = showsOf(options)
  if (!shows) return route(message.with({ to: jid }))
  return chain(live.sessions(jid.bare), entries => {
    const showing = entries.filter(entry => {
      if (!entry.presence || !(jid.isBare || entry.jid.equals(jid))) return false
      return shows.includes(entry.presence.show || 'online')
    })
    return toAll(showing, entry => route(message.with({ to: entry.jid })))
  })
}

/** Whoever has several subscriptions is told which one it is (XEP-0060 §7.1.2.3, XEP-0131). */
function marked(message: Message, { subid }: PubsubSubscription): Message {
  return message.withBody(message.body.plus(el('headers', SHIM, null, el('header', SHIM, { name: 'SubID' }, subid))))
}

function subscribedTwice(all: readonly PubsubSubscription[]): ReadonlySet<string> {
  const [once, twice] = [new Set<string>(), new Set<string>()]
  for (const { jid } of all) {
    const bare = bareOf(jid)
    if (once.has(bare)) twice.add(bare)
    else once.add(bare)
  }
  return twice
}
