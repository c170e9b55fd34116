import type { Jid } from '@parley/jid'
import { readStanza, refusalOf, StanzaError } from '@parley/stanza'
import type { Element } from '@parley/xml'
import { type Awaitable, chain, isPromise, type Server } from '@xmpp/server-core'
import type { Border } from './border.ts'
import { withId } from './habits.ts'

/** Where stanzas of other servers go. */
interface Inside {
  readonly server: Server
  readonly border: Pick<Border, 'enter' | 'blocklists'>
}

/** Brings a stanza of another server in, or refuses it; its addresses are known to be what they should be. */
export function takeStanza({ server, border }: Inside, element: Element, sender: Jid, target: Jid): Awaitable<void> {
  const { type, id } = element.attrs
  server.counters.received.server[element.name as 'message' | 'presence' | 'iq']++
  if (border.blocklists.take(element, sender, target)) return
  const refuse = (error: unknown): Awaitable<void> => {
    if (!(error instanceof StanzaError)) throw error
    if (type === 'error' || type === 'result') return
    return server.router.route(refusalOf(element.name, { id, from: target, to: sender }, error))
  }
  try {
    const stanza = readStanza(withId(element), sender)
    const done = chain(border.enter(sender, target, type), () => server.router.route(stanza))
    return isPromise(done) ? done.catch(refuse) : done
  } catch (error) {
    return refuse(error)
  }
}
