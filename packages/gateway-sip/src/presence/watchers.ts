import type { AdapterClock, Presence } from '@parley/adapter'
import type { Agent, Answer, Call } from '../wire/agent.ts'
import { Dialog, type Way } from '../wire/dialog.ts'
import { acceptable, writePresence } from './documents.ts'
import { isPresence, seconds } from './state.ts'

export interface WatchersUse {
  readonly agent: Agent
  readonly clock: AdapterClock
  readonly way: Way
  uri(user: string): string
  contact(user: string): string
  /** Whether they may see the user, as the user has said. */
  allowed(user: string, id: string): Promise<boolean>
  /** The user is to be asked. */
  asks(user: string, id: string): void
  presence(user: string): Presence
}

const SHORTEST = 60
const LONGEST = 86_400
const STANDARD = 3600
const SWEEP = 10_000
/** Dialogs in all, and of one watcher with one user: somebody has several programs, and nobody has many. */
const MOST = 50_000
const MOST_OF_ONE = 10
/** Who was refused is not asked about again before (ms). */
const REFUSED_FOR = 3_600_000
const MOST_REFUSED = 10_000
/** How long a farewell may take (ms). */
const PARTING = 1000
/** Answers to NOTIFY after which nobody is there who wants it (RFC 6665 §4.2.2); 408 is also that nobody answers. */
const GONE: ReadonlySet<number> = new Set([404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])

interface Watcher {
  readonly user: string
  readonly id: string
  readonly dialog: Dialog
  readonly type: string
  state: 'pending' | 'active' | 'terminated'
  reason: string
  /** Whether a dialog that has ended may still say how the user is. */
  saw: boolean
  presence: Presence
  /** Milliseconds since 1970. */
  until: number
  /** A NOTIFY is under way, until all is said; `again`: there is more to say when it is answered. */
  saying: Promise<void> | undefined
  again: boolean
}

/** Those who see our users (RFC 3856 §6): each a dialog, which is told what they may know. */
export class Watchers {
  readonly #use: WatchersUse
  /** By Call-ID and our tag. */
  readonly #all = new Map<string, Watcher>()
  readonly #byUser = new Map<string, Set<Watcher>>()
  readonly #refused = new Map<string, number>()
  readonly #stopSweep: () => void

  constructor(use: WatchersUse) {
    this.#use = use
    this.#stopSweep = use.clock.every(SWEEP, () => this.#sweep())
  }

  /** A SUBSCRIBE of somebody for one of us. */
  async serve(call: Call, user: string, id: string): Promise<void> {
    const { headers } = call.request
    if (!isPresence(headers.get('event'))) return call.answer(489, { 'allow-events': 'presence' })
    const asked = seconds(headers.get('expires')) ?? STANDARD
    if (asked > 0 && asked < SHORTEST) return call.answer(423, { 'min-expires': SHORTEST })
    const expires = Math.min(asked, LONGEST)
    const tag = call.to.params.get('tag')
    if (tag !== undefined)
      return this.#refresh(call, this.#all.get(`${headers.get('call-id')} ${tag}`), user, id, expires)
    const type = acceptable(headers.list('accept'))
    if (!type) return call.answer(406, { accept: 'application/pidf+xml' })
    const dialog = Dialog.heard(call.request, this.#use.way)
    if (!dialog) return call.answer(400)
    if ((this.#refused.get(pair(user, id)) ?? 0) > this.#use.clock.now()) return call.answer(403)
    const mine = this.#of(user, id)
    if (this.#all.size >= MOST || mine.length >= MOST_OF_ONE) return call.answer(503, { 'retry-after': 60 })
    const known = mine.some(watcher => watcher.state === 'pending')
    const watcher: Watcher = {
      ...{ user, id, dialog, type, reason: '', saw: false, presence: this.#use.presence(user) },
      ...{ state: 'pending' as const, until: this.#use.clock.now() + expires * 1000, saying: undefined, again: false },
    }
    this.#add(watcher)
    const allowed = await this.#use.allowed(user, id)
    call.answer(
      200,
      { expires, contact: `<${this.#use.contact(user)}>`, 'record-route': recorded(call) },
      dialog.localTag,
    )
    if (allowed) watcher.state = 'active'
    // Expires 0 is a question, not a wish to go on (RFC 6665 §4.4.3): it is no reason to ask the user.
    if (expires === 0) void this.#end(watcher, allowed ? 'timeout' : 'rejected')
    else {
      void this.#notify(watcher)
      if (!allowed && !known) this.#use.asks(user, id)
    }
  }

  #refresh(call: Call, watcher: Watcher | undefined, user: string, id: string, expires: number) {
    if (watcher?.user !== user || watcher.id !== id || !watcher.dialog.take(call.request)) return call.answer(481)
    watcher.until = this.#use.clock.now() + expires * 1000
    call.answer(200, { expires, contact: `<${this.#use.contact(user)}>` }, watcher.dialog.localTag)
    if (expires === 0) {
      // RFC 8048 §5.3.3: who wants to see the user no more sees that nobody is there.
      watcher.presence = { show: 'unavailable' }
      void this.#end(watcher, 'timeout')
    } else void this.#notify(watcher)
  }

  /** The user has decided: who waits, and who sees already, is told. */
  decide(user: string, id: string, yes: boolean): void {
    if (yes) this.#refused.delete(pair(user, id))
    else this.#refuse(user, id)
    this.#change(user, id, yes)
  }

  /** The user has nothing to do with them any more; they may ask again. */
  forget(user: string, id: string): void {
    this.#change(user, id, false)
  }

  #refuse(user: string, id: string): void {
    if (this.#refused.size >= MOST_REFUSED) this.#refused.delete(this.#refused.keys().next().value!)
    this.#refused.set(pair(user, id), this.#use.clock.now() + REFUSED_FOR)
  }

  #change(user: string, id: string, yes: boolean): void {
    for (const watcher of this.#of(user, id)) {
      if (!yes) void this.#end(watcher, 'rejected')
      else if (watcher.state === 'pending') {
        watcher.state = 'active'
        watcher.presence = this.#use.presence(user)
        void this.#notify(watcher)
      }
    }
  }

  /** To everybody who may see the user, or to one. */
  tell(user: string, presence: Presence, id?: string): void {
    for (const watcher of this.#byUser.get(user) ?? []) {
      if (id !== undefined && watcher.id !== id) continue
      watcher.presence = presence
      if (watcher.state === 'active') void this.#notify(watcher)
    }
  }

  /**
   * Everybody is told to begin anew, with whoever is here then (RFC 6665 §4.1.3). Resolves when they have heard, or soon.
   * @param tell false: there is no way to them any more
   */
  async stop(tell: boolean): Promise<void> {
    this.#stopSweep()
    if (!tell) return
    const told = [...this.#all.values()].map(watcher => this.#end(watcher, 'deactivated'))
    let stop = () => {}
    const soon = new Promise<void>(resolve => {
      stop = this.#use.clock.after(PARTING, resolve)
    })
    await Promise.race([Promise.all(told), soon])
    stop()
  }

  #of(user: string, id: string): Watcher[] {
    return [...(this.#byUser.get(user) ?? [])].filter(watcher => watcher.id === id)
  }

  #add(watcher: Watcher): void {
    this.#all.set(keyOf(watcher), watcher)
    const mine = this.#byUser.get(watcher.user) ?? new Set()
    this.#byUser.set(watcher.user, mine.add(watcher))
  }

  #end(watcher: Watcher, reason: string): Promise<void> {
    watcher.reason = reason
    // Who was never let in, or is so no longer, is not told with the last word how the user is (RFC 8048 §8.2).
    watcher.saw = watcher.state === 'active' && reason !== 'rejected'
    watcher.state = 'terminated'
    this.#leave(watcher)
    return this.#notify(watcher)
  }

  /** One at a time: they would overtake each other over UDP. What changes meanwhile is said once, as it is then. */
  #notify(watcher: Watcher): Promise<void> {
    watcher.again = true
    watcher.saying ??= this.#sayAll(watcher)
    return watcher.saying
  }

  async #sayAll(watcher: Watcher): Promise<void> {
    let lost = 0
    while (watcher.again) {
      watcher.again = false
      const { status, local } = await this.#say(watcher)
      // It went over a connection that had ended, which nobody knew: once more, over another one.
      if (status === 503 && local && lost++ === 0) watcher.again = true
      if (GONE.has(status)) this.#drop(watcher)
    }
    watcher.saying = undefined
  }

  #say({ state, reason, saw, type, dialog, user, until, presence }: Watcher): Promise<Answer> {
    const now = this.#use.clock.now()
    const left = Math.max(0, Math.ceil((until - now) / 1000))
    const said = state === 'terminated' ? `terminated;reason=${reason}` : `${state};expires=${left}`
    const bytes = state === 'active' || saw ? writePresence(type, this.#use.uri(user), presence, now) : undefined
    const extra = { event: 'presence', 'subscription-state': said, contact: `<${this.#use.contact(user)}>` }
    return this.#use.agent.ask(dialog.ask('NOTIFY', extra, bytes && { type, bytes }))
  }

  #drop(watcher: Watcher): void {
    watcher.again = false
    this.#leave(watcher)
  }

  #leave(watcher: Watcher): void {
    this.#all.delete(keyOf(watcher))
    const mine = this.#byUser.get(watcher.user)
    mine?.delete(watcher)
    if (mine?.size === 0) this.#byUser.delete(watcher.user)
  }

  #sweep(): void {
    const now = this.#use.clock.now()
    for (const watcher of this.#all.values()) if (watcher.until <= now) void this.#end(watcher, 'timeout')
    for (const [key, until] of this.#refused) if (until <= now) this.#refused.delete(key)
  }
}

const pair = (user: string, id: string) => `${user} ${id}`
const keyOf = (watcher: Watcher) => `${watcher.dialog.callId} ${watcher.dialog.localTag}`

function recorded(call: Call): string | undefined {
  const routes = call.request.headers.lines('record-route')
  return routes.length > 0 ? routes.join(', ') : undefined
}
