import type { AdapterClock, Presence } from '@parley/adapter'
import { targetOf } from '../addresses.ts'
import type { Agent, Answer, Call } from '../wire/agent.ts'
import { Dialog, type Way } from '../wire/dialog.ts'
import { formatUri } from '../wire/uri.ts'
import { ACCEPT, readPresence } from './documents.ts'
import { isPresence, parseState, seconds } from './state.ts'

export interface WatchEvents {
  /** They let the user see them, and show this; undefined: nothing new. */
  seen(user: string, id: string, presence: Presence | undefined): void
  /** They have said no, or there is no such person. */
  refused(user: string, id: string, status: number): void
  /** Nobody knows how they are at the moment. */
  unseen(user: string, id: string): void
}

export interface WatchingUse {
  readonly agent: Agent
  readonly clock: AdapterClock
  readonly way: Way
  readonly events: WatchEvents
  readonly expires: number
  /** Address of a user, for From. */
  uri(user: string): string
  /** Where NOTIFY is to come. */
  contact(user: string): string
}

/** Answers by which a contact is not to be seen, now or later (RFC 8048 §5.2.2). */
const REFUSALS: ReadonlySet<number> = new Set([403, 404, 405, 410, 416, 484, 489, 501, 603, 604, 606])
/** Answers to a refresh after which the dialog is none, besides those (RFC 6665 §4.1.2.2). */
const ENDED: ReadonlySet<number> = new Set([480, 481, 482, 483, 485])
const FIRST_RETRY = 30_000
const LAST_RETRY = 900_000
/** SUBSCRIBE under way at once: a server that starts has everybody's contacts to ask for. */
const MOST_AT_ONCE = 100
const FAREWELL = 32_000

interface Watch {
  readonly user: string
  readonly id: string
  dialog: Dialog
  expires: number
  /** When the dialog ends if it is not refreshed (ms since 1970). */
  until: number
  retry: number
  seen: boolean
  over: boolean
  stopTimer: () => void
}

/**
 * Contacts that users who are online see: to each a dialog (RFC 3856), begun again whenever it ends. That a dialog ends says
 * nothing of whether one may see the other: an authorisation lasts, a notification does not (RFC 8048 §5.1).
 */
export class Watching {
  readonly #use: WatchingUse
  readonly #watches = new Map<string, Map<string, Watch>>()
  readonly #byCall = new Map<string, Watch>()
  readonly #queue: (() => void)[] = []
  #atOnce = 0

  constructor(use: WatchingUse) {
    this.#use = use
  }

  /** Idempotent. */
  start(user: string, id: string): void {
    const mine = this.#watches.get(user) ?? new Map<string, Watch>()
    this.#watches.set(user, mine)
    if (mine.has(id)) return
    const watch: Watch = {
      ...{ user, id, dialog: this.#dialog(user, id), expires: this.#use.expires },
      ...{ until: 0, retry: FIRST_RETRY, seen: false, over: false, stopTimer: () => {} },
    }
    mine.set(id, watch)
    this.#byCall.set(watch.dialog.callId, watch)
    this.#subscribe(watch)
  }

  /** The user sees this contact, or everybody, no more. */
  stop(user: string, id?: string): void {
    const mine = this.#watches.get(user)
    for (const watch of [...(mine?.values() ?? [])]) if (id === undefined || watch.id === id) this.#leave(watch)
  }

  stopAll(): void {
    for (const watch of this.#byCall.values()) this.#forget(watch)
    this.#queue.length = 0
  }

  #dialog(user: string, id: string): Dialog {
    const target = targetOf(id)
    return Dialog.begun(this.#use.uri(user), formatUri(target), target, this.#use.way)
  }

  #subscribe(watch: Watch) {
    if (this.#atOnce >= MOST_AT_ONCE) {
      this.#queue.push(() => this.#subscribe(watch))
      return
    }
    if (watch.over) return this.#next()
    this.#atOnce++
    const { dialog } = watch
    void this.#use.agent.ask(dialog.ask('SUBSCRIBE', this.#headers(watch.user, watch.expires))).then(answer => {
      this.#atOnce--
      if (!watch.over && watch.dialog === dialog) this.#answered(watch, answer)
      this.#next()
    })
  }

  #next() {
    if (this.#atOnce < MOST_AT_ONCE) this.#queue.shift()?.()
  }

  #headers(user: string, expires: number) {
    return { event: 'presence', accept: ACCEPT, contact: `<${this.#use.contact(user)}>`, expires }
  }

  #answered(watch: Watch, answer: Answer) {
    const { status, headers } = answer
    if (status < 300) {
      watch.dialog.answered(answer)
      watch.retry = FIRST_RETRY
      return this.#lasts(watch, seconds(headers.get('expires')))
    }
    if (status === 423 && (seconds(headers.get('min-expires')) ?? 0) > watch.expires) {
      watch.expires = Math.min(seconds(headers.get('min-expires'))!, 86_400)
      return this.#subscribe(watch)
    }
    if (REFUSALS.has(status)) {
      this.#forget(watch)
      return this.#use.events.refused(watch.user, watch.id, status)
    }
    const wanted = (seconds(headers.get('retry-after')) ?? 0) * 1000
    const left = watch.until - this.#use.clock.now()
    // RFC 6665 §4.1.2.2: what has only not been refreshed is there until its time is over.
    if (watch.dialog.begunBefore && !ENDED.has(status) && left > 0) {
      this.#later(watch, Math.min(wanted || watch.retry, left), () => this.#subscribe(watch))
      watch.retry = Math.min(watch.retry * 2, LAST_RETRY)
      return
    }
    this.#unseen(watch)
    this.#again(watch, status === 481 && watch.dialog.begunBefore ? 1000 : wanted)
  }

  /** @param given seconds that the other side grants; it may grant less than it was asked for, and not more */
  #lasts(watch: Watch, given: number | undefined) {
    const expires = Math.min(given ?? watch.expires, watch.expires)
    watch.until = this.#use.clock.now() + expires * 1000
    // Well before the end, and never in a whirl.
    this.#later(watch, Math.max(expires - Math.min(60, expires / 4), 5) * 1000, () => this.#subscribe(watch))
  }

  /** @param wanted milliseconds that the other side asks for; 0: it does not say */
  #again(watch: Watch, wanted: number) {
    this.#renew(watch)
    this.#later(watch, Math.min(wanted || watch.retry, LAST_RETRY), () => this.#subscribe(watch))
    if (!wanted) watch.retry = Math.min(watch.retry * 2, LAST_RETRY)
  }

  /** A dialog that has ended is none any more; the next one has another Call-ID. */
  #renew(watch: Watch) {
    this.#byCall.delete(watch.dialog.callId)
    watch.dialog = this.#dialog(watch.user, watch.id)
    watch.until = 0
    this.#byCall.set(watch.dialog.callId, watch)
  }

  #later(watch: Watch, ms: number, run: () => void) {
    watch.stopTimer()
    watch.stopTimer = this.#use.clock.after(ms, run)
  }

  #unseen(watch: Watch) {
    if (watch.seen) this.#use.events.unseen(watch.user, watch.id)
    watch.seen = false
  }

  /** A NOTIFY. */
  serve(call: Call) {
    const { headers } = call.request
    const watch = this.#byCall.get(headers.get('call-id')!)
    if (!watch || call.to.params.get('tag') !== watch.dialog.localTag) return call.answer(481)
    if (!isPresence(headers.get('event'))) return call.answer(489, { 'allow-events': 'presence' })
    const state = parseState(headers.get('subscription-state'))
    if (!state) return call.answer(400)
    if (!watch.dialog.take(call.request)) return call.answer(481)
    const presence = call.request.body.length > 0 ? readPresence(call.request) : undefined
    if (call.request.body.length > 0 && !presence) call.answer(415, { accept: ACCEPT })
    else call.answer(200)
    if (watch.over) {
      if (state.state === 'terminated') this.#forget(watch)
      return
    }
    // RFC 6665 §4.1.3: how long it lasts is what the NOTIFY says.
    if (state.state !== 'terminated' && state.expires !== undefined) this.#lasts(watch, state.expires)
    if (state.state === 'active') {
      watch.retry = FIRST_RETRY
      this.#use.events.seen(watch.user, watch.id, presence)
      watch.seen ||= presence !== undefined && presence.show !== 'unavailable'
    } else if (state.state === 'terminated') this.#terminated(watch, state.reason, state.retryAfter)
  }

  /** RFC 6665 §4.1.3, RFC 8048 §5.2.2: only a refusal is one. */
  #terminated(watch: Watch, reason: string | undefined, retryAfter: number | undefined) {
    if (reason === 'rejected' || reason === 'noresource') {
      this.#forget(watch)
      return this.#use.events.refused(watch.user, watch.id, reason === 'rejected' ? 403 : 404)
    }
    if (reason === 'deactivated' || reason === 'timeout') return this.#again(watch, 1000)
    // What will not change is not asked for again, and holds (RFC 6665 §4.1.3).
    if (reason === 'invariant') {
      watch.stopTimer()
      return this.#renew(watch)
    }
    this.#unseen(watch)
    this.#again(watch, (retryAfter ?? 0) * 1000)
  }

  #leave(watch: Watch): void {
    const { dialog } = watch
    this.#forget(watch)
    if (!dialog.begunBefore) return
    // What the other side says of the end is still heard.
    this.#byCall.set(dialog.callId, watch)
    watch.stopTimer = this.#use.clock.after(FAREWELL, () => this.#byCall.delete(dialog.callId))
    void this.#use.agent.ask(dialog.ask('SUBSCRIBE', this.#headers(watch.user, 0)))
  }

  #forget(watch: Watch): void {
    watch.over = true
    watch.stopTimer()
    this.#byCall.delete(watch.dialog.callId)
    const mine = this.#watches.get(watch.user)
    if (mine?.get(watch.id) === watch) mine.delete(watch.id)
    if (mine?.size === 0) this.#watches.delete(watch.user)
  }
}
