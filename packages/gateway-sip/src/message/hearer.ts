import type { AdapterClock, Event } from '@parley/adapter'
import { Bounded } from '../bounded.ts'
import type { Call } from '../wire/agent.ts'
import { ACCEPTED, type Content, readContent } from './content.ts'
import type { Notification } from './cpim.ts'

export interface HearerUse {
  readonly clock: AdapterClock
  emit(event: Event): void
  threadOf(callId: string): string
}

/** What somebody wants to hear of a message of theirs. */
interface Wanted {
  readonly date: string | undefined
  readonly delivered: boolean
  readonly displayed: boolean
}

const MOST_REMEMBERED = 10_000
/** What is said to be older than this was kept somewhere (ms). */
const LATE = 60_000

/** What is said to our users. */
export class Hearer {
  readonly #use: HearerUse
  readonly #wanted = new Bounded<Wanted>(MOST_REMEMBERED)
  readonly #typing = new Bounded<() => void>(MOST_REMEMBERED)

  constructor(use: HearerUse) {
    this.#use = use
  }

  /** A MESSAGE from somebody there to one of us. */
  serve(call: Call, user: string, peer: string) {
    const content = readContent(call.request)
    if (!content) return call.answer(415, { accept: ACCEPTED })
    // RFC 3428 §7: whoever passes it on to somewhere that is no SIP cannot say that it has arrived.
    call.answer(202)
    switch (content.kind) {
      case 'text':
        return this.#text(call, user, peer, content)
      case 'composing':
        return this.#composing(user, peer, content.active, content.refresh)
      case 'notification':
        return this.#use.emit({ type: 'receipt', user, peer, ids: [content.id], level: content.level })
    }
  }

  #text(call: Call, user: string, peer: string, content: Extract<Content, { kind: 'text' }>): void {
    this.#endTyping(user, peer)
    const { headers } = call.request
    const callId = headers.get('call-id')!
    // What a sender sends again because it heard nothing has the same three (RFC 3261 §8.2.2.2).
    const id =
      content.id ?? `${callId} ${Number.parseInt(headers.get('cseq')!, 10)} ${call.from.params.get('tag') ?? ''}`
    const said = Date.parse(content.date ?? '')
    const late = this.#use.clock.now() - said > LATE
    if (content.id !== undefined)
      this.#wanted.set(`${user} ${peer} ${id}`, {
        date: content.date,
        delivered: content.wants.includes('positive-delivery'),
        displayed: content.wants.includes('display'),
      })
    this.#use.emit({
      type: 'message',
      user,
      peer,
      id,
      text: content.text,
      origin: 'remote',
      thread: this.#use.threadOf(callId),
      ...(content.subject && { subject: content.subject }),
      ...(late && { at: said }),
    })
  }

  #composing(user: string, peer: string, active: boolean, refresh: number): void {
    const was = this.#endTyping(user, peer)
    if (active) {
      const key = `${user} ${peer}`
      const stop = this.#use.clock.after(refresh * 1000, () => {
        this.#typing.delete(key)
        this.#use.emit({ type: 'typing', user, peer, state: 'paused' })
      })
      this.#typing.set(key, stop)
    }
    if (active || was) this.#use.emit({ type: 'typing', user, peer, state: active ? 'composing' : 'paused' })
  }

  #endTyping(user: string, peer: string): boolean {
    const key = `${user} ${peer}`
    const stop = this.#typing.get(key)
    stop?.()
    this.#typing.delete(key)
    return stop !== undefined
  }

  /** What is to be said of these messages, as their sender has asked, and once. */
  notifications(user: string, peer: string, ids: readonly string[], level: 'delivered' | 'read'): Notification[] {
    return ids.flatMap(id => {
      const key = `${user} ${peer} ${id}`
      const wanted = this.#wanted.get(key)
      if (!wanted) return []
      this.#wanted.set(key, { ...wanted, delivered: false, displayed: wanted.displayed && level !== 'read' })
      return [
        ...(wanted.delivered ? [{ id, date: wanted.date, level: 'delivered' as const }] : []),
        ...(wanted.displayed && level === 'read' ? [{ id, date: wanted.date, level: 'read' as const }] : []),
      ]
    })
  }

  stop(): void {
    for (const key of this.#typing.keys()) this.#typing.get(key)?.()
  }
}
