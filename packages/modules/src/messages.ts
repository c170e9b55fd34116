import type { SessionEntry } from '@parley/live'
import { type Message, StanzaError } from '@parley/stanza'
import {
  type Awaitable,
  chain,
  defineHook,
  defineModule,
  HANDLED,
  type Inbound,
  inbound,
  isPromise,
  midOf,
  observe,
  on,
  only,
  type Verdict,
} from '@xmpp/server-core'
import { mayWait, targetsOf } from './targets.ts'

export type InboundMessage = Omit<Inbound, 'stanza'> & { readonly stanza: Message }

/**
 * No session took a message that may wait for one. A listener that keeps it says so with `kept = true`; otherwise the
 * sender hears that nobody is there.
 */
export interface Undelivered extends InboundMessage {
  kept: boolean
}
export const undelivered = defineHook<Undelivered>()('undelivered', 'observe')

/** Which sessions get a message for an account (RFC 6121 §8.5). */
export default defineModule({
  name: 'messages',
  rfcs: [{ rfc: 6121, sections: ['5.2', '8.5.1', '8.5.2', '8.5.3'] }],
  setup({ live, server, phase, log }) {
    const waiting = phase(undelivered, 'observe')

    function deliver(event: InboundMessage): Awaitable<Verdict> {
      return chain(live.sessions(event.account), entries => {
        const taken = hand(event, targetsOf(event.stanza, event.account, entries))
        if (!isPromise(taken) && (taken || !live.isShared)) return chain(otherwise(event, taken), () => HANDLED)
        // Its place in the queues is sure; the sender's next stanza need not wait for the answer.
        event.transit.behind(chain(taken, yes => (yes ? undefined : tryAgain(event))) as Promise<void>)
        return HANDLED
      })
    }

    /** A session that this node has not heard of yet may have come before the message was logged, and looked in vain. */
    async function tryAgain(event: InboundMessage): Promise<void> {
      const entries = await live.sessionsNow(event.account)
      return otherwise(event, await hand(event, targetsOf(event.stanza, event.account, entries)))
    }

    function otherwise(event: InboundMessage, taken: boolean): Awaitable<void> {
      if (!taken) return nobody(event)
    }

    function hand(event: InboundMessage, targets: readonly SessionEntry[]): Awaitable<boolean> {
      const { stanza, archiveId, owed, transit } = event
      const row = archiveId === undefined ? undefined : { id: archiveId, owed: owed ?? false }
      const mid = row ? undefined : midOf(transit)
      let taken = false
      let pending: Promise<unknown>[] | undefined
      for (const entry of targets) {
        const done = server.router.toSession(entry, stanza, row, mid)
        if (isPromise(done)) {
          pending ??= []
          pending.push(
            done.then(ok => {
              taken ||= ok
            }),
          )
        } else taken ||= done
      }
      return pending ? Promise.all(pending).then(() => taken) : taken
    }

    /** RFC 6121 §8.5.2.2.1, §8.5.3.2.1: what can wait waits, the rest is refused or dropped. */
    function nobody(event: InboundMessage): Awaitable<void> {
      const { type } = event.stanza
      if (type === 'headline' || type === 'error') return
      if (!mayWait(event.stanza)) throw nobodyThere()
      const question: Undelivered = { ...event, kept: false }
      return chain(observe(waiting, question, log), () => {
        if (!question.kept) throw nobodyThere()
      })
    }

    return { on: [on(inbound, 'deliver', only('message', deliver))] }
  },
})

/** RFC 6121 §8.5.1: word for word what is said of an account that does not exist. */
function nobodyThere(): StanzaError {
  return new StanzaError('service-unavailable')
}
