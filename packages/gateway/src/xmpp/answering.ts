import type { Jid } from '@parley/jid'
import { errorOf, type Iq, resultOf, StanzaError } from '@parley/stanza'
import type { Awaitable, IqRoute, Request, Transit } from '@xmpp/server-core'
import type { Network } from './network.ts'
import { refusalOf } from './refusals.ts'
import type { Rooms } from './rooms.ts'

/** What offers a file (XEP-0166, XEP-0096). */
const FILES: ReadonlySet<string> = new Set(['urn:xmpp:jingle:1', 'http://jabber.org/protocol/si'])

/**
 * Answers requests to a network and to those who are there. A network may take its time: what else the same client sends
 * does not wait for it.
 */
export class Answering {
  readonly #net: Network
  readonly #rooms: Rooms
  readonly #routes: readonly IqRoute[]

  constructor(net: Network, rooms: Rooms, routes: readonly IqRoute[]) {
    this.#net = net
    this.#rooms = rooms
    this.#routes = routes
  }

  receive(iq: Iq, to: Jid, transit: Transit): void {
    transit.effect(() => transit.behind(this.#answer(iq, to, transit)))
  }

  async #answer(iq: Iq, to: Jid, transit: Transit): Promise<void> {
    const { house } = this.#net
    let later: (() => Awaitable<void>) | undefined
    const after = (task: () => Awaitable<void>) => {
      later = task
    }
    try {
      const id = to.local === '' ? undefined : this.#net.addresses.idOf(to)
      const answered = id === undefined ? undefined : await this.#rooms.iq(iq, id)
      if (answered) return void (await house.route(answered))
      const route = this.#find(iq, to)
      if (!route && FILES.has(iq.payload.ns))
        throw new StanzaError('service-unavailable', 'Files cannot be sent into this network; send a link to them')
      if (!route) throw new StanzaError('service-unavailable', 'This network does not do that')
      const asked = { session: transit.session, mid: undefined, after }
      const payload = await route.answer(iq as Request, asked)
      await house.route(resultOf(iq, payload))
      await later?.()
    } catch (error) {
      await house.route(errorOf(iq, refusalOf(error, house.log)))
    }
  }

  #find({ type, payload }: Iq, to: Jid): IqRoute | undefined {
    if (!to.isBare) return undefined
    const target = to.local === '' ? 'host' : 'account'
    return this.#routes.find(
      route => route.target === target && route.type === type && route.ns === payload.ns && route.name === payload.name,
    )
  }
}
