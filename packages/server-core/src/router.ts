import type { Jid } from '@parley/jid'
import type { Live, SessionEntry } from '@parley/live'
import type { Clock } from '@parley/net'
import { errorOf, type Iq, mayBounce, Presence, type Stanza, StanzaError } from '@parley/stanza'
import { type MessageLog, StoreError } from '@parley/store'
import { type Awaitable, chain, isPromise } from './awaitable.ts'
import type { Inbound, Outbound } from './events.ts'
import { decide, observe, type Phase } from './hooks.ts'
import type { Host } from './host.ts'
import { answer, asStanzaError, IqCaller } from './iq.ts'
import type { Logger } from './log.ts'
import type { Request } from './module.ts'
import { type LogMark, midOf, packetOf } from './packet.ts'
import type { Service } from './service.ts'
import type { Session } from './session.ts'
import { Transit } from './transit.ts'

/** A component: takes the stanzas for its domain. Throws a StanzaError to refuse. */
export type Link = (stanza: Stanza) => Awaitable<void>

/** The way to all domains that are not here, in the two stages of a {@link Transit}. */
export interface Remote {
  /**
   * First stage: refuses with a StanzaError, or adds to the transit what must be durable before the sender hears that the stanza is
   * handled. Gives the second stage, which may refuse too.
   */
  take(stanza: Stanza, transit: Transit): () => Awaitable<void>
}

/** What somebody may do who is no contact: write, ask to become one, or nothing. */
export type Strangers = 'welcome' | 'ask' | 'refused'

/**
 * Takes every stanza where it belongs (RFC 6120 §10): local account → local host → service → component → remote domain. What cannot
 * be delivered goes back to its sender as an error, once.
 */
export class Router {
  readonly hosts = new Map<string, Host>()
  readonly services = new Map<string, Service>()
  readonly components = new Map<string, Link>()
  /** Stanzas that went back to their senders as errors, for metrics. */
  bounced = 0
  /** Stanzas for domains that are not here; absent: there is no federation. */
  remote: Remote | undefined
  /** First stage of what goes there: refuses it with a StanzaError, gives what of it may leave, or undefined for nothing. */
  leave: (stanza: Stanza) => Awaitable<Stanza | undefined> = stanza => stanza
  /** How strangers of a domain that is not here are met. */
  strangers: (domain: string) => Strangers = () => 'welcome'
  readonly #live: Live
  readonly #messages: MessageLog
  readonly #log: Logger
  readonly #caller: IqCaller

  constructor(live: Live, messages: MessageLog, clock: Clock, log: Logger) {
    this.#live = live
    this.#messages = messages
    this.#log = log
    this.#caller = new IqCaller(clock, live)
  }

  stop(): void {
    this.#caller.stop()
  }

  /** Whether a domain is one of ours: a host, a service or a component. */
  has(domain: string): boolean {
    return this.hosts.has(domain) || this.services.has(domain) || this.components.has(domain)
  }

  /** First stage of what a session sent. */
  outgoing(stanza: Stanza, transit: Transit, session: Session): Awaitable<void> {
    const { guard, rewrite, store, copy, send } = session.host.outbound
    const event: Outbound = { stanza, session, transit }
    return this.#deciding(stanza, transit, () =>
      through([guard, rewrite, store], event, () => {
        if (copy.runs.length > 0) transit.effect(() => observe(copy, event, this.#log))
        return chain(decide(send, event), goOn => {
          if (goOn) return this.#dispatch(event.stanza, transit)
        })
      }),
    )
  }

  /** Routes a stanza of the server or of another domain. With a transit: its first stage only. */
  route(stanza: Stanza, transit?: Transit): Awaitable<void> {
    if (transit) return this.#deciding(stanza, transit, () => this.#dispatch(stanza, transit))
    return this.handle(stanza, new Transit())
  }

  /** Both stages of a stanza that no session here has sent. Resolves when it is handled. */
  handle(stanza: Stanza, transit: Transit): Awaitable<void> {
    transit.stanza = stanza
    const decided = this.#deciding(stanza, transit, () => this.#dispatch(stanza, transit))
    return chain(decided, () =>
      this.#guarded(stanza, transit, () =>
        chain(transit.durable(this.#messages), () =>
          chain(transit.run(), () => transit.unfinished?.then(() => undefined)),
        ),
      ),
    )
  }

  /** Sends a request of the server's own and waits for the answer. */
  request(iq: Iq): Promise<Iq> {
    return this.#caller.request(iq, sent => this.route(sent))
  }

  /** An answer to a request of this node that has come to another one. */
  answered(iq: Iq): void {
    this.#caller.settle(iq)
  }

  /** Hands a stanza to one session. False: the session is gone. */
  toSession(entry: SessionEntry, stanza: Stanza, log?: LogMark, mid?: string): Awaitable<boolean> {
    return chain(this.#live.deliver(entry.sid, packetOf(stanza, log, mid)), wasTaken)
  }

  /** Hands a stanza to whichever session has a full JID of a host here; it takes it once for a `mid`. False: nobody has it. */
  toClient(stanza: Stanza, to: Jid, mid?: string): Awaitable<boolean> {
    return chain(this.#live.session(to), entry => (entry ? this.toSession(entry, stanza, undefined, mid) : false))
  }

  /** Answers a stanza with the error that stopped it, where an error may answer it (RFC 6120 §8.3.1); a counted one once. */
  bounce(stanza: Stanza, cause: unknown, transit: Transit): Awaitable<void> {
    const { session } = transit
    const mid = midOf(transit)
    // Another node has the sender by now, and gets the stanza again.
    if (session?.isFenced || (cause instanceof StoreError && cause.code === 'fenced')) return
    const error = asStanzaError(cause, stanza, this.#log)
    if (!mayBounce(stanza)) return
    // Presence is not answered: a sender learns nothing about who is there (RFC 6121 §4.3.2, §8.5.1).
    if (stanza.name === 'presence' && !transit.origin && !this.#isVisit(stanza)) return
    const reply = errorOf(stanza, error)
    this.bounced++
    if (!session || !stanza.from?.equals(session.jid)) return this.#once(reply, mid && `${mid}:error`)
    return chain(session.send(reply, mid && `${mid}:error`), () => this.#showOthers(reply, session))
  }

  /** Somebody of another domain comes to a service of ours, such as a room: what is refused there is answered (XEP-0045 §7.2). */
  #isVisit({ from, to }: Stanza): boolean {
    return from !== undefined && to !== undefined && this.services.has(to.domain) && !this.has(from.domain)
  }

  /** An answer to a session that another node has: it takes it once for a `mid`. */
  #once(reply: Stanza, mid: string | undefined): Awaitable<void> {
    if (mid === undefined || !reply.to || !this.hosts.has(reply.to.domain)) return this.route(reply)
    return chain(this.toClient(reply, reply.to, mid), () => undefined)
  }

  /** What became of a message concerns the account's other clients too (XEP-0280 §6.1). */
  #showOthers(reply: Stanza, session: Session): Awaitable<void> {
    const { copy } = session.host.inbound
    if (reply.name !== 'message' || copy.runs.length === 0) return
    return observe(copy, { stanza: reply, account: session.account, transit: new Transit(session) }, this.#log)
  }

  /** As {@link #guarded}, for the first stage: the sender hears of it in its turn. */
  #deciding(stanza: Stanza, transit: Transit, run: () => Awaitable<void>): Awaitable<void> {
    const refuse = (error: unknown) => transit.effect(() => this.bounce(stanza, error, transit))
    try {
      const done = run()
      return isPromise(done) ? done.catch(refuse) : done
    } catch (error) {
      refuse(error)
    }
  }

  #guarded(stanza: Stanza, transit: Transit, run: () => Awaitable<void>): Awaitable<void> {
    const refuse = (error: unknown) => this.bounce(stanza, error, transit)
    try {
      const done = run()
      return isPromise(done) ? done.catch(refuse) : done
    } catch (error) {
      return refuse(error)
    }
  }

  #dispatch(stanza: Stanza, transit: Transit): Awaitable<void> {
    // RFC 6120 §10.3: without "to" a stanza is for the sender's own account.
    const to = stanza.to ?? transit.session?.account
    if (!to) throw new StanzaError('bad-request', 'A stanza needs an address')
    const host = this.hosts.get(to.domain)
    if (host)
      return to.local === '' ? this.#toHost(host, stanza, to, transit) : this.#toAccount(host, stanza, to, transit)
    const service = this.services.get(to.domain)
    if (service) return this.#toService(service, stanza, to, transit)
    const component = this.components.get(to.domain)
    if (!component) return this.#toElsewhere(stanza, to, transit)
    transit.effect(() => this.#guarded(stanza, transit, () => component(stanza)))
  }

  #toElsewhere(stanza: Stanza, { domain }: Jid, transit: Transit): Awaitable<void> {
    const { remote } = this
    if (!remote) throw new StanzaError('remote-server-not-found', `There is no way to ${domain}`)
    return chain(this.leave(stanza), leaving => {
      if (!leaving) return
      const send = remote.take(leaving, transit)
      transit.effect(() => this.#guarded(stanza, transit, send))
    })
  }

  #toHost(host: Host, stanza: Stanza, to: Jid, transit: Transit): Awaitable<void> {
    if (stanza.name === 'iq') {
      if (!stanza.isRequest) {
        this.#caller.settleAnywhere(stanza)
        return
      }
      const route = to.isBare ? host.iq.find('host', stanza.type as 'get' | 'set', stanza.payload) : undefined
      transit.effect(() => this.#answer(host, stanza, to, route, transit))
      return
    }
    // RFC 6121 §8.4: a server that has nothing to say to a message says so; presence it ignores.
    if (stanza.name === 'message' && stanza.type !== 'headline') throw new StanzaError('service-unavailable')
  }

  #toService(service: Service, stanza: Stanza, to: Jid, transit: Transit): Awaitable<void> {
    if (!service.elsewhere) return this.#toServiceHere(service, stanza, to, transit)
    return chain(service.elsewhere(stanza, to, transit), away =>
      away ? undefined : this.#toServiceHere(service, stanza, to, transit),
    )
  }

  #toServiceHere(service: Service, stanza: Stanza, to: Jid, transit: Transit): Awaitable<void> {
    if (stanza.name !== 'iq' || !to.isBare) return service.receive(stanza, to, transit)
    if (!stanza.isRequest) {
      this.#caller.settleAnywhere(stanza)
      return
    }
    const route = service.iq.find(to.local === '' ? 'host' : 'account', stanza.type as 'get' | 'set', stanza.payload)
    if (!route) return service.receive(stanza, to, transit)
    transit.effect(() => this.#answer(service.host, stanza, to, route, transit))
  }

  #toAccount(host: Host, stanza: Stanza, to: Jid, transit: Transit): Awaitable<void> {
    const account = to.bare
    return chain(this.#live.sessions(account), sessions => {
      if (sessions.length > 0) return this.#accept(host, stanza, account, transit)
      // RFC 6121 §8.5.2.2.2: presence for somebody who is away goes nowhere.
      if (stanza.name === 'presence' && (stanza.type === 'available' || stanza.type === 'unavailable')) return
      return chain(host.accounts.exists(account), exists => {
        if (!exists) return this.#toNobody(stanza, account)
        return this.#accept(host, stanza, account, transit)
      })
    })
  }

  /** RFC 6121 §8.5.1: nothing tells an account that does not exist from one that does not want to be seen. */
  #toNobody(stanza: Stanza, account: Jid): Awaitable<void> {
    if (stanza.name === 'message' && stanza.type === 'headline') return
    if (stanza.name !== 'presence') throw new StanzaError('service-unavailable')
    if (stanza.type !== 'probe') return
    return this.route(new Presence({ type: 'unsubscribed', from: account, to: stanza.from?.bare }))
  }

  #accept(host: Host, stanza: Stanza, account: Jid, transit: Transit): Awaitable<void> {
    const { guard, rewrite, store } = host.inbound
    const event: Inbound = { stanza, account, transit }
    return through([guard, rewrite, store], event, () => {
      transit.effect(() => this.#deliver(host, event))
    })
  }

  #deliver(host: Host, event: Inbound): Awaitable<void> {
    const { copy, deliver } = host.inbound
    const copied = copy.runs.length > 0 ? observe(copy, event, this.#log) : undefined
    return chain(copied, () =>
      this.#guarded(event.stanza, event.transit, () => {
        if (event.stanza.name === 'iq') return this.#iqToAccount(host, event.stanza, event)
        return chain(decide(deliver, event), () => undefined)
      }),
    )
  }

  #iqToAccount(host: Host, iq: Iq, { account, transit }: Inbound): Awaitable<void> {
    const to = iq.to ?? account
    if (!to.isBare) return this.#iqToSession(iq, to, transit)
    if (!iq.isRequest) {
      this.#caller.settleAnywhere(iq)
      return
    }
    const type = iq.type as 'get' | 'set'
    const own = iq.from?.bare.equals(account) ?? false
    const route =
      (own ? host.iq.find('self', type, iq.payload) : undefined) ?? host.iq.find('account', type, iq.payload)
    return this.#answer(host, iq, account, route, transit)
  }

  #iqToSession(iq: Iq, to: Jid, transit: Transit): Awaitable<void> {
    const mid = midOf(transit)
    const hand = (entry: SessionEntry | undefined): Awaitable<boolean> =>
      entry ? this.toSession(entry, iq, undefined, mid) : false
    return chain(this.#live.session(to), entry => {
      const taken = chain(hand(entry), yes => {
        if (yes || !this.#live.isShared) return yes
        // This node may not have heard of it yet.
        return chain(this.#live.sessionsNow(to.bare), now => hand(now.find(({ jid }) => jid.equals(to))))
      })
      const answer = (yes: boolean) => {
        // RFC 6121 §8.5.3.2.3: the same answer as for an account that does not exist.
        if (!yes && iq.isRequest) throw new StanzaError('service-unavailable')
      }
      if (!isPromise(taken)) return answer(taken)
      transit.behind(taken.then(answer))
    })
  }

  #answer(host: Host, iq: Iq, to: Jid, route: Parameters<typeof answer>[1], transit: Transit): Awaitable<void> {
    const session = transit.session
    const mid = midOf(transit)
    // The handler sees whom it answers for; the reply repeats what the request said.
    const request = (iq.to ? iq : iq.addressed(to)) as Request
    const reply = (answered: Iq) => {
      const out = iq.to ? answered : answered.with({ from: undefined })
      const once = mid && `${mid}:answer`
      return session ? session.send(out, once) : this.#once(out, once)
    }
    return answer(request, route, session, reply, host.log, mid)
  }
}

function wasTaken(done: 'ok' | 'gone' | 'busy' | 'dup' | 'later'): boolean {
  return done !== 'gone' && done !== 'busy'
}

/** Runs deciding phases in order, then `next` unless one of them stopped the stanza. */
function through(
  phases: readonly Phase[],
  event: { stanza: Stanza },
  next: () => Awaitable<void>,
  start = 0,
): Awaitable<void> {
  for (let i = start; i < phases.length; i++) {
    const goOn = decide(phases[i]!, event)
    if (isPromise(goOn)) return goOn.then(yes => (yes ? through(phases, event, next, i + 1) : undefined))
    if (!goOn) return
  }
  return next()
}
