import { createHash, randomUUID } from 'node:crypto'
import { Jid } from '@parley/jid'
import { Body, Iq } from '@parley/stanza'
import type { OwnedMap } from '@parley/store'
import { type Element, el } from '@parley/xml'
import type { Server } from '@xmpp/server-core'

const PUBSUB = 'http://jabber.org/protocol/pubsub'
const EVENT = `${PUBSUB}#event`
/** The lists belong to no account. */
const OWNER = 'federation'
/** What nodes tell each other when a list is another one than before. */
const CHANGED = 'blocklists'
/** Our requests to such services; answers are known by it on whichever node they come in. */
const ID = 'parley-blocklist-'
/** A list is asked for again when it is older (ms). */
const HOUR = 3_600_000
const RETRY = 60_000
const ENTRIES = 100_000
const KNOWN = 20_000
const HASH = /^[0-9a-f]{64}$/

interface Stored {
  readonly [key: string]: number | readonly string[]
  /** When the whole list came (ms since 1970). */
  readonly at: number
  readonly hashes: readonly string[]
}

/**
 * Real-time block lists: publish-subscribe nodes elsewhere whose items are named by SHA-256, in hex, of the bare JIDs and domains
 * that a community does not want to hear (as xmppbl.org has them). Kept in the database, the same for all nodes.
 */
export class Blocklists {
  readonly #server: Server
  readonly #lists: readonly string[]
  readonly #map: OwnedMap<Stored>
  readonly #stop: () => void
  #hashes: ReadonlyMap<string, string> = new Map()
  /** Hashing costs more than looking: what was found out of an address lately. */
  #known = new Map<string, string | undefined>()

  private constructor(server: Server) {
    this.#server = server
    this.#lists = server.config.federation.blocklists
    this.#map = server.store.maps.map('blocklists')
    this.#stop = server.clock.every(RETRY, () => this.#refresh())
    server.hear(CHANGED, () => this.#load().catch(error => this.#failed(error)))
  }

  static async open(server: Server): Promise<Blocklists> {
    const lists = new Blocklists(server)
    await lists.#load()
    return lists
  }

  close(): void {
    this.#stop()
  }

  /** Asks for the lists that are too old; answers come by {@link take}. */
  #refresh(): void {
    if (this.#lists.length > 0) this.#ask().catch(error => this.#failed(error))
  }

  async #ask(): Promise<void> {
    const stored = await this.#map.all(OWNER)
    for (const list of this.#lists) {
      if ((stored.get(list)?.at ?? 0) + HOUR > this.#server.clock.now()) continue
      const [service, node] = parts(list)
      const own = Jid.parse(this.#server.defaultDomain)
      const send = (type: 'get' | 'set', what: Element) =>
        this.#server.router.route(
          new Iq(
            { type, id: `${ID}${randomUUID()}`, from: own, to: service },
            Body.of([el('pubsub', PUBSUB, null, what)]),
          ),
        )
      await send('set', el('subscribe', PUBSUB, { node, jid: own.text }))
      await send('get', el('items', PUBSUB, { node }))
    }
  }

  /** The list that somebody of another domain is on, by the address or the domain; undefined: none. */
  listed(jid: Jid): string | undefined {
    if (this.#hashes.size === 0) return undefined
    return this.#find(jid.bare.text) ?? this.#find(jid.domain)
  }

  #find(text: string): string | undefined {
    if (this.#known.has(text)) return this.#known.get(text)
    if (this.#known.size >= KNOWN) this.#known.clear()
    const list = this.#hashes.get(createHash('sha256').update(text).digest('hex'))
    this.#known.set(text, list)
    return list
  }

  /** Takes what such a service sends; false: it is nothing of ours. */
  take(element: Element, sender: Jid, target: Jid): boolean {
    if (target.local !== '' || !this.#lists.some(list => parts(list)[0].equals(sender))) return false
    if (element.name === 'iq') {
      if (!element.attrs['id']?.startsWith(ID)) return false
      const items = element.child('pubsub', PUBSUB)?.child('items', PUBSUB)
      const list = items && this.#named(sender, items)
      if (list) this.#change(list, () => ({ at: this.#server.clock.now(), hashes: idsOf(items, 'item') }))
      return true
    }
    const event = element.child('event', EVENT)
    const items = event?.child('items', EVENT)
    const purged = event?.child('purge', EVENT)
    const list = this.#named(sender, items ?? purged)
    if (!list) return false
    const gone = new Set(idsOf(items, 'retract'))
    this.#change(list, ({ at, hashes }) => ({
      at,
      hashes: purged ? [] : [...new Set([...hashes, ...idsOf(items, 'item')])].filter(hash => !gone.has(hash)),
    }))
    return true
  }

  #named(sender: Jid, element: Element | undefined): string | undefined {
    const list = `${sender}/${element?.attrs['node'] ?? ''}`
    return this.#lists.includes(list) ? list : undefined
  }

  #change(list: string, change: (old: Stored) => Stored): void {
    const edit = (old: Stored | undefined) => {
      const next = change(old ?? { at: 0, hashes: [] })
      return { ...next, hashes: next.hashes.slice(0, ENTRIES) }
    }
    this.#map
      .update(OWNER, list, edit)
      .then(() => this.#load())
      .then(() => this.#server.live.tell(CHANGED, ''))
      .catch(error => this.#failed(error))
  }

  async #load(): Promise<void> {
    const stored = await this.#map.all(OWNER)
    this.#hashes = new Map(
      this.#lists.flatMap(list => stored.get(list)?.hashes.map(hash => [hash, list] as const) ?? []),
    )
    this.#known = new Map()
  }

  #failed(error: unknown): void {
    this.#server.log.warn('a block list could not be read', { error })
  }
}

/** `xmppbl.org/muc_bans_sha256`: the service, and the node there. */
function parts(list: string): [Jid, string] {
  const slash = list.indexOf('/')
  return [Jid.parse(list.slice(0, slash)), list.slice(slash + 1)]
}

function idsOf(items: Element | undefined, name: string): string[] {
  const ids = items?.elements().flatMap(item => (item.name === name ? [item.attrs['id'] ?? ''] : [])) ?? []
  return ids.filter(id => HASH.test(id))
}
