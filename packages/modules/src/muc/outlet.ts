import { NS, type Stanza } from '@parley/stanza'
import { type Awaitable, type Context, isPromise, type Logger, type Router, type Transit } from '@xmpp/server-core'

/** What rooms have to say, on its way to clients. */
export class Outlet {
  readonly #router: Router
  readonly #log: Logger
  readonly route: Context['route']
  /** What the stanza that is handled now has to wait for. */
  #under: Promise<unknown>[] = []

  constructor({ server, log, route }: Pick<Context, 'server' | 'log' | 'route'>) {
    this.#router = server.router
    this.#log = log
    this.route = route
  }

  readonly send = (stanza: Stanza): void => this.#follow(this.deliver(stanza, midOf(stanza)))

  readonly hand = (message: Stanza): void => {
    const to = message.to!
    this.#follow(this.#router.hosts.has(to.domain) ? this.#router.toClient(message, to) : this.route(message))
  }

  #follow(done: Awaitable<unknown>): void {
    if (isPromise(done)) this.await(done, 'a room did not reach somebody')
  }

  /** The stanza that is handled now counts when this is done, too; where it fails, that is a `problem`. */
  await(done: Promise<unknown>, problem: string): void {
    this.#under.push(done.catch((error: unknown) => this.#log.error(problem, { error })))
  }

  /** Runs what a room does at once; the stanza counts when all has been said. */
  during<T>(transit: Transit | undefined, run: () => T): T {
    this.#under = []
    try {
      return run()
    } finally {
      if (this.#under.length > 0) transit?.behind(Promise.all(this.#under))
      this.#under = []
    }
  }

  /**
   * What a room says to a local client needs none of the steps of a message between two people; it takes it once for a `mid`.
   */
  deliver(stanza: Stanza, mid?: string): Awaitable<unknown> {
    const to = stanza.to!
    const isPrivate = stanza.name === 'message' && stanza.type !== 'groupchat' && mid === undefined
    if (isPrivate || !this.#router.hosts.has(to.domain)) return this.route(stanza)
    return this.#router.toClient(stanza, to, mid)
  }
}

/** What a room says has one place in the queue of each client, however often it is said. */
function midOf(stanza: Stanza): string | undefined {
  if (stanza.name !== 'message') return undefined
  const mark = stanza.child('stanza-id', NS.stanzaId)
  return mark && `room ${mark.attrs['id']}`
}
