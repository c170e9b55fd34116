import type { Jid } from '@parley/jid'
import type { Live } from '@parley/live'
import { parseStanza, type Stanza } from '@parley/stanza'
import { type Awaitable, chain, type Origin, placeAmong, type Server, Transit } from '@xmpp/server-core'
import { Mailbag } from './mailbag.ts'

/** What nodes say to each other: a stanza for a room of yours; it is done. */
const FOR_YOU = 'room'
const DONE = 'room done'
/** Rooms whose places are remembered. */
const KNOWN = 20_000

/** Where rooms are: each has one node with doors for clients, which does everything for it; others pass on to it what they get. */
export class Places {
  readonly #live: Live
  readonly #server: Server
  readonly #known = new Map<string, string>()
  /** Rooms whose places are being asked for, and made ready where that is here. */
  readonly #asking = new Map<string, Promise<string>>()
  readonly #bags = new Map<string, Mailbag>()
  /** Of stanzas out of a bag, for rooms that this node has by now. */
  readonly #own = new WeakSet<Transit>()
  /** Makes a room ready that this node has from now on. */
  taken: (room: Jid) => Promise<void> = async () => {}

  constructor(server: Server) {
    this.#server = server
    this.#live = server.live
    server.hear(FOR_YOU, (text, from) => this.#take(text, from))
    server.hear(DONE, text => {
      const [room = '', id = ''] = text.split('\n')
      this.#bags.get(room)?.done(id)
    })
  }

  /**
   * Passes a stanza on where another node has the room, in the order of the calls; false: this node has it. The transit is
   * done when that node has handled the stanza; it answers for itself.
   */
  pass(stanza: Stanza, room: Jid, transit: Transit): Awaitable<boolean> {
    if (this.#own.has(transit)) return false
    const bag = this.#bags.get(room.text)
    if (bag) {
      // Nothing overtakes what is on its way.
      transit.behind(bag.pass(stanza, transit))
      return true
    }
    const known = this.#known.get(room.text)
    return chain(known ?? this.#ask(room), node => {
      if (node === this.#live.node) return false
      transit.behind(this.#bagTo(node, room).pass(stanza, transit))
      return true
    })
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

  #bagTo(node: string, room: Jid): Mailbag {
    const known = this.#bags.get(room.text)
    if (known) return known
    const bag = new Mailbag(node, {
      post: async (to, { id, stanza, transit }) =>
        this.#live.post(to, FOR_YOU, `${room.text}\n${id}\n${letterOf(stanza, transit)}`),
      ask: gone => {
        this.#known.delete(room.text)
        return this.#ask(room, gone)
      },
      isHere: at => at === this.#live.node,
      // As if it came from elsewhere: what waits for this one must not wait for itself.
      handle: async (letter, { origin }) => {
        const again = new Transit(undefined, 0, origin)
        this.#own.add(again)
        await this.#server.router.handle(letter, again)
      },
      empty: () => this.#bags.delete(room.text),
    })
    this.#bags.set(room.text, bag)
    return bag
  }

  #ask(room: Jid, gone?: string): Promise<string> {
    const asking = this.#asking.get(room.text) ?? this.#find(room, gone)
    this.#asking.set(room.text, asking)
    return asking.finally(() => this.#asking.delete(room.text))
  }

  async #find(room: Jid, gone: string | undefined): Promise<string> {
    const { node, own, isNew } = await placeAmong(this.#server, 'clients', room.text, gone)
    if (own && isNew) await this.taken(room)
    this.#known.set(room.text, node)
    const oldest = this.#known.size > KNOWN ? this.#known.keys().next().value : undefined
    if (oldest !== undefined) this.#known.delete(oldest)
    return node
  }

  #take(text: string, from: string): void {
    const a = text.indexOf('\n')
    const b = text.indexOf('\n', a + 1)
    const { stanza, origin } = readLetter(text.slice(b + 1))
    const handled = this.#server.router.handle(stanza, new Transit(undefined, 0, origin))
    const done = chain(handled, () => this.#live.post(from, DONE, text.slice(0, b)))
    this.#server.finish(
      this.#server.hosts[0]!,
      chain(done, () => undefined),
    )
  }
}

/** Where the stanza comes from, a line; then the stanza. */
function letterOf(stanza: Stanza, { origin }: Transit): string {
  return `${origin ? JSON.stringify(origin) : ''}\n${stanza.toXml()}`
}

function readLetter(text: string): { readonly stanza: Stanza; readonly origin: Origin | undefined } {
  const end = text.indexOf('\n')
  const origin = end === 0 ? undefined : (JSON.parse(text.slice(0, end)) as Origin)
  return { stanza: parseStanza(text.slice(end + 1)), origin }
}
