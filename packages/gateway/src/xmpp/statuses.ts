import type { Jid } from '@parley/jid'
import { Body, Presence } from '@parley/stanza'
import { el } from '@parley/xml'
import { clean } from '../engine/text/clean.ts'
import type { AccountState, AccountStatus } from '../engine.ts'
import type { Network } from './network.ts'
import type { Person } from './people.ts'
import { sees } from './seeing.ts'

/** It comes to nothing until somebody does something. */
const STUCK: ReadonlySet<AccountState> = new Set(['needs-login', 'replaced', 'denied', 'quarantined'])
/** Contacts are there as far as anybody knows. */
const THERE: ReadonlySet<AccountState> = new Set(['online', 'degraded'])
const CLIENT = 'jabber:client'
/** In place of what was said: until that time (ms) the user hears it as the answer to a request. */
const ANSWERED = 'answered until '

/** What users hear of their sessions: the network's own presence, and a message where they have to do something, once. */
export class Statuses {
  readonly #net: Network
  readonly #waiting = new Map<string, Set<(status: AccountStatus) => void>>()

  readonly #over: (person: Person) => Promise<void>

  /** @param over called when the session of somebody is */
  constructor(net: Network, over: (person: Person) => Promise<void>) {
    this.#net = net
    this.#over = over
  }

  /** The session of that user is like this from now on. */
  async changed(user: Jid, status: AccountStatus): Promise<void> {
    const { people } = this.#net
    const person = people.of(user)
    const before = person.told
    person.told = status
    this.settle(user, status)
    if (before?.state !== status.state || before.detail !== status.detail) await this.#tell(user, status)
    if (THERE.has(status.state)) await this.afresh(user)
    else if (STUCK.has(status.state)) await this.#ask(user, status)
    if (!THERE.has(status.state) && status.state !== 'connecting') await this.leave(person)
  }

  /** Everybody whom the user sees there is gone. */
  async leave(person: Person): Promise<void> {
    const { addresses, house, people } = this.#net
    const { user, presences, told } = person
    const there = [...presences].filter(([, { show }]) => show !== 'unavailable').map(([id]) => id)
    await this.#over(person)
    people.forget(user)
    const next = people.of(user)
    next.told = told
    const view = await house.uses.roster.view(user)
    for (const id of there) {
      const from = addresses.of(id)
      if (from && sees(view.get(from))) await house.route(new Presence({ type: 'unavailable', from, to: user }))
    }
  }

  /** The presence of the network's own address, as it is for that user. */
  presence(status: AccountStatus | undefined, to: Jid): Presence {
    const { jid, title } = this.#net
    if (!status || !(THERE.has(status.state) || status.state === 'connecting' || status.state === 'waiting'))
      return new Presence({ type: 'unavailable', from: jid, to }, said(status?.detail))
    if (status.state === 'online') return new Presence({ type: 'available', from: jid, to })
    const away = status.state === 'degraded' ? 'away' : 'xa'
    const reason = status.detail ?? (status.state === 'connecting' ? `Connecting to ${title}` : `Waiting for ${title}`)
    return new Presence({ type: 'available', from: jid, to }, said(reason, el('show', CLIENT, null, away)))
  }

  /** For so long (ms) the user waits for an answer, and hears by that how the session is. */
  async answer(user: Jid, ms: number): Promise<void> {
    const { house, id } = this.#net
    await house.stores.said.set(user.text, id, `${ANSWERED}${house.clock.now() + ms}`)
  }

  /** The user has heard by an answer that it is so. */
  async answered(user: Jid, state: AccountState): Promise<void> {
    await this.#net.house.stores.said.set(user.text, this.#net.id, state)
  }

  /** What there is to say is said, even if it was before. */
  async afresh(user: Jid): Promise<void> {
    await this.#net.house.stores.said.delete(user.text, this.#net.id)
  }

  /** Whoever waits for it hears how the session is, on whichever node that is. */
  settle(user: Jid, status: AccountStatus): void {
    for (const settle of [...(this.#waiting.get(user.text) ?? [])]) settle(status)
  }

  /** How the session is when `settled` says that it is known, or after `ms` milliseconds. */
  next(user: Jid, settled: (status: AccountStatus) => boolean, ms: number): Promise<AccountStatus | undefined> {
    const { clock } = this.#net.house
    return new Promise(resolve => {
      const waiting = this.#waiting.get(user.text) ?? new Set()
      this.#waiting.set(user.text, waiting)
      const done = (status: AccountStatus | undefined) => {
        stop()
        waiting.delete(settle)
        if (waiting.size === 0) this.#waiting.delete(user.text)
        resolve(status)
      }
      const settle = (status: AccountStatus) => {
        if (settled(status)) done(status)
      }
      const stop = clock.after(ms, () => done(undefined))
      waiting.add(settle)
    })
  }

  #tell(user: Jid, status: AccountStatus) {
    return this.#net.house.route(this.presence(status, user))
  }

  /** Once, also over restarts: until it works again. Who has no login there any more is not asked for one. */
  async #ask(user: Jid, { state, detail }: AccountStatus): Promise<void> {
    const { house, id, title } = this.#net
    const said = await house.stores.said.get(user.text, id)
    if (said === state || (said?.startsWith(ANSWERED) && house.clock.now() < Number(said.slice(ANSWERED.length))))
      return
    // What was said is forgotten after the login: if the one is gone, so is the other.
    if (!(await house.engine.registration(this.#net.keyOf(user)))) return
    await house.stores.said.set(user.text, id, state)
    const reason = detail === undefined ? '' : `: ${detail}`
    await this.#net.notice(user, `${title} ${WORDS[state]}${reason}${HELP[state] ?? ''}`)
  }
}

const WORDS: Readonly<Partial<Record<AccountState, string>>> = {
  'needs-login': 'does not accept your login',
  replaced: 'says that you have logged in elsewhere',
  denied: 'does not let you in',
  quarantined: 'fails again and again, and rests',
}
const HELP: Readonly<Partial<Record<AccountState, string>>> = {
  'needs-login': '. Say "register" here to give new ones.',
  replaced: '. Say "reconnect" here to log in again.',
}

function said(reason: string | undefined, ...more: ReturnType<typeof el>[]): Body {
  return Body.of(reason === undefined ? more : [...more, el('status', CLIENT, null, clean(reason))])
}
