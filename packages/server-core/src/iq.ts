import { randomUUID } from 'node:crypto'
import type { Jid } from '@parley/jid'
import { type Live, LiveError } from '@parley/live'
import type { Clock } from '@parley/net'
import { errorOf, Iq, resultOf, StanzaError } from '@parley/stanza'
import { StoreError } from '@parley/store'
import type { Element } from '@parley/xml'
import { type Awaitable, chain, isPromise } from './awaitable.ts'
import type { Logger } from './log.ts'
import type { IqRoute, Request, Target } from './module.ts'
import type { Session } from './session.ts'

type ByName = Map<string, Map<string, IqRoute>>

/** The requests that this host answers, by target, type, namespace and name (never joined into one key). */
export class IqRoutes {
  readonly #routes = new Map<string, ByName>()

  add(route: IqRoute): void {
    const byName = this.#byName(`${route.target}/${route.type}`)
    const names = byName.get(route.ns) ?? new Map<string, IqRoute>()
    byName.set(route.ns, names)
    if (names.has(route.name)) throw new Error(`Two modules answer ${route.type} ${route.name} in ${route.ns}`)
    names.set(route.name, route)
  }

  find(target: Target, type: 'get' | 'set', payload: Element): IqRoute | undefined {
    return this.#routes.get(`${target}/${type}`)?.get(payload.ns)?.get(payload.name)
  }

  /** Every namespace that some route answers. */
  namespaces(): Set<string> {
    return new Set([...this.#routes.values()].flatMap(byName => [...byName.keys()]))
  }

  #byName(key: string): ByName {
    const byName: ByName = this.#routes.get(key) ?? new Map()
    this.#routes.set(key, byName)
    return byName
  }
}

/**
 * Answers a request: exactly one result or error goes back (RFC 6120 §8.2.3). Only here are answers built. `mid` as in
 * {@link Asked}.
 */
export function answer(
  request: Request,
  route: IqRoute | undefined,
  session: Session | undefined,
  reply: (iq: Iq) => Awaitable<void>,
  log: Logger,
  mid?: string,
): Awaitable<void> {
  const refuse = (error: unknown) => reply(errorOf(request, asStanzaError(error, request, log)) as Iq)
  if (!route) return refuse(new StanzaError('service-unavailable'))
  let later: (() => Awaitable<void>) | undefined
  const after = (task: () => Awaitable<void>) => {
    later = task
  }
  const finish = (payload: Element | undefined) => chain(reply(resultOf(request, payload)), () => later?.())
  try {
    const payload = route.answer(request, { session, mid, after })
    return isPromise(payload) ? payload.then(finish, refuse) : finish(payload)
  } catch (error) {
    return refuse(error)
  }
}

/**
 * A refusal as it is; that database or Redis cannot be used now, for which their own lines are in the log; anything else is
 * a fault of ours: logged, and the peer hears only that it is.
 */
export function asStanzaError(error: unknown, stanza: { readonly id: string | undefined }, log: Logger): StanzaError {
  if (error instanceof StanzaError) return error
  if ((error instanceof StoreError || error instanceof LiveError) && FOR_NOW.has(error.code)) {
    const condition = error.code === 'busy' ? 'resource-constraint' : 'internal-server-error'
    return new StanzaError(condition, 'Not possible now', { type: 'wait' })
  }
  log.error('a stanza could not be handled', { stanza: stanza.id, error })
  return new StanzaError('internal-server-error')
}

/** What a sender may try again later. */
const FOR_NOW: ReadonlySet<string> = new Set(['busy', 'unavailable', 'closed', 'failed', 'fenced'])

interface Pending {
  readonly to: Jid
  readonly deadline: number
  readonly resolve: (iq: Iq) => void
  readonly reject: (error: StanzaError) => void
}

type Nodes = Pick<Live, 'node' | 'isShared' | 'post'>

/** What nodes tell each other: an answer to a request of yours. */
export const ANSWER = 'answer'

/** Requests that the server itself has sent. An answer counts only from the address that was asked (threat 62). */
export class IqCaller {
  readonly #pending = new Map<string, Pending>()
  readonly #clock: Clock
  readonly #live: Nodes
  readonly #timeout: number
  readonly #stop: () => void
  static readonly LIMIT = 10_000

  constructor(clock: Clock, live: Nodes, timeout = 60_000) {
    this.#clock = clock
    this.#live = live
    this.#timeout = timeout
    this.#stop = clock.every(1000, () => this.#sweep())
  }

  request(iq: Iq, send: (iq: Iq) => Awaitable<void>): Promise<Iq> {
    const to = iq.to
    if (!to || this.#pending.size >= IqCaller.LIMIT) return Promise.reject(new StanzaError('resource-constraint'))
    // An answer from another domain may come to another node: the id says whose it is.
    const id = this.#live.isShared ? `${this.#live.node}-${randomUUID()}` : randomUUID()
    return new Promise<Iq>((resolve, reject) => {
      this.#pending.set(id, { to, deadline: this.#clock.monotonic() + this.#timeout, resolve, reject })
      const failed = (error: StanzaError) => {
        this.#pending.delete(id)
        reject(error)
      }
      try {
        const sent = send(iq.with({ id }))
        if (isPromise(sent)) sent.catch(failed)
      } catch (error) {
        failed(error as StanzaError)
      }
    })
  }

  /** Takes an answer. False: nobody asked for it. */
  settle(iq: Iq): boolean {
    const pending = iq.id === undefined ? undefined : this.#pending.get(iq.id)
    if (!pending || !iq.from?.equals(pending.to)) return false
    this.#pending.delete(iq.id!)
    if (iq.type === 'result') pending.resolve(iq)
    else pending.reject(StanzaError.fromElement(iq.child('error')))
    return true
  }

  /** As {@link settle}; what another node has asked for goes there. */
  settleAnywhere(iq: Iq): void {
    if (this.settle(iq) || !this.#live.isShared) return
    const node = iq.id?.split('-', 1)[0]
    if (!node || node === this.#live.node) return
    const told = this.#live.post(node, ANSWER, iq.toXml())
    // Redis is away: as if the answer had been lost on its way.
    if (isPromise(told)) told.catch(() => undefined)
  }

  stop(): void {
    this.#stop()
    for (const pending of this.#pending.values()) pending.reject(new StanzaError('service-unavailable'))
    this.#pending.clear()
  }

  #sweep(): void {
    const now = this.#clock.monotonic()
    for (const [id, pending] of this.#pending) {
      if (pending.deadline > now) continue
      this.#pending.delete(id)
      pending.reject(new StanzaError('remote-server-timeout'))
    }
  }
}

export type { Request } from './module.ts'
export { Iq }
