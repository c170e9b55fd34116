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
        const targets = targetsOf(event.stanza, event.account, entries)
        return chain(hand(event, targets), taken => {
          if (taken) return HANDLED
          return chain(nobody(event), () => HANDLED)
        })
      })
    }

    function hand({ stanza, archiveId, owed }: InboundMessage, targets: readonly SessionEntry[]): Awaitable<boolean> {
      const row = archiveId === undefined ? undefined : { id: archiveId, owed: owed ?? false }
      let taken = false
      let pending: Promise<unknown>[] | undefined
      for (const entry of targets) {
        const done = server.router.toSession(entry, stanza, row)
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
