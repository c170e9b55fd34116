import { randomUUID } from 'node:crypto'
import type { Jid } from '@parley/jid'
import type { Live } from '@parley/live'
import { parseStanza, type Stanza, StanzaError } from '@parley/stanza'
import { type Awaitable, chain, type Origin, type Server, Transit } from '@xmpp/server-core'

/** What nodes say to each other: a stanza for a room of yours; it is done. */
const FOR_YOU = 'room'
const DONE = 'room done'
/** Rooms whose places are remembered. */
const KNOWN = 20_000
/** How long an owner may be silent (ms) before it is asked who has the room now, and how often that is done. */
const PATIENCE = 3000
const TRIES = 8

/** Where rooms are: each has one node that does everything for it, and others pass on to it what they get. */
export class Places {
  readonly #live: Live
  readonly #server: Server
  readonly #known = new Map<string, string>()
  readonly #asked = new Map<string, () => void>()

  constructor(server: Server) {
    this.#server = server
    this.#live = server.live
    server.hear(FOR_YOU, (text, from) => this.#take(text, from))
    server.hear(DONE, id => this.#asked.get(id)?.())
  }

  /** The node that has the room; this one takes it where nobody has it. `taken` hears of that before anything else. */
  of(room: Jid, taken: () => Awaitable<void>): Awaitable<string> {
    const known = this.#known.get(room.text)
    return known ?? this.#ask(room, taken)
  }

  isHere(node: string): boolean {
    return node === this.#live.node
  }

  /** This node has nothing to do with the room any more. */
  leave(room: Jid): void {
    this.#known.delete(room.text)
    this.#live.unplace(room.text)
  }

  /** Everything that was known is out of date: others have given this node up. */
  forget(): void {
    this.#known.clear()
  }

  /**
   * Passes a stanza on to the node that has the room, in the order of the calls. Resolves when that one has handled it; it
   * answers for itself. Where it dies meanwhile, its successor gets the stanza again.
   */
  async pass(node: string, stanza: Stanza, room: Jid, transit: Transit, here: () => Awaitable<void>): Promise<void> {
    const text = letterOf(stanza, transit)
    let at = node
    for (let tries = 0; tries < TRIES; tries++) {
      const answered = await this.#post(at, text)
      if (answered === 'done') return
      this.#known.delete(room.text)
      at = await this.#ask(room, () => undefined, answered === 'unheard' ? at : undefined)
      if (this.isHere(at)) return here()
    }
    throw new StanzaError('remote-server-timeout')
  }

  async #post(node: string, text: string): Promise<'done' | 'silent' | 'unheard'> {
    const id = randomUUID()
    const answer = new Promise<'done' | 'silent'>(resolve => {
      // Real time, as between nodes and Redis.
      const timer = setTimeout(() => resolve('silent'), PATIENCE)
      this.#asked.set(id, () => {
        clearTimeout(timer)
        resolve('done')
      })
    })
    try {
      return (await this.#live.post(node, FOR_YOU, `${id}\n${text}`)) ? await answer : 'unheard'
    } finally {
      this.#asked.delete(id)
    }
  }

  async #ask(room: Jid, taken: () => Awaitable<void>, gone?: string): Promise<string> {
    const { node, own, isNew } = await this.#live.place(room.text, gone)
    if (own && isNew) await taken()
    this.#known.set(room.text, node)
    const oldest = this.#known.size > KNOWN ? this.#known.keys().next().value : undefined
    if (oldest !== undefined) this.#known.delete(oldest)
    return node
  }

  #take(text: string, from: string): void {
    const end = text.indexOf('\n')
    const id = text.slice(0, end)
    const { stanza, origin } = readLetter(text.slice(end + 1))
    const handled = this.#server.router.handle(stanza, new Transit(undefined, 0, origin))
    const done = chain(handled, () => this.#live.post(from, DONE, id))
    this.#server.finish(
      this.#server.hosts[0]!,
      chain(done, () => undefined),
    )
  }
}

/** Where the stanza is counted, a line; then the stanza. */
function letterOf(stanza: Stanza, { origin }: Transit): string {
  return `${origin ? JSON.stringify(origin) : ''}\n${stanza.toXml()}`
}

function readLetter(text: string): { readonly stanza: Stanza; readonly origin: Origin | undefined } {
  const end = text.indexOf('\n')
  const origin = end === 0 ? undefined : (JSON.parse(text.slice(0, end)) as Origin)
  return { stanza: parseStanza(text.slice(end + 1)), origin }
}
