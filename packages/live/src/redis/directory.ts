import type { SessionEntry } from '../live.ts'
import { decodePlace, type Place } from './frame.ts'

/** Accounts whose sessions a node remembers; the one asked for longest ago is forgotten first. */
const CACHED = 50_000

interface Account {
  version: string
  readonly places: Map<string, Place>
  list: readonly SessionEntry[] | undefined
  /** Something was missed: to be read again; where its sessions are is better known than nothing. */
  stale: boolean
}

/**
 * What this node knows of everybody's sessions, kept true by the changes that Redis tells. Each change names the version
 * of the account's list before and after it, so a change that was missed shows. A stale answer is harmless: delivery says
 * that the session is gone, and what waits in the log is looked for afterwards.
 */
export class Directory {
  readonly #accounts = new Map<string, Account>()
  readonly #bares = new Map<string, string>()
  /** Changes of accounts that are being read. */
  readonly #loading = new Map<string, { changed: boolean }>()
  readonly #isOwn: (sid: string) => boolean

  constructor(isOwn: (sid: string) => boolean) {
    this.#isOwn = isOwn
  }

  /** Sessions of an account, oldest first; undefined: not known here. */
  sessions(bare: string): readonly SessionEntry[] | undefined {
    const account = this.#accounts.get(bare)
    if (!account || account.stale) return undefined
    account.list ??= [...account.places.values()].map(({ entry }) => entry).sort(byAge)
    return account.list
  }

  /** Where a session is, when its account is known here. */
  placeOf(sid: string): (Place & { readonly bare: string }) | undefined {
    const bare = this.#bares.get(sid)
    const place = bare === undefined ? undefined : this.#accounts.get(bare)?.places.get(sid)
    return place && { ...place, bare: bare! }
  }

  /** Reads an account through `fetch` (`field, value, …` as HGETALL gives them), again when it changes meanwhile. */
  async load(bare: string, fetch: () => Promise<readonly string[]>): Promise<readonly SessionEntry[]> {
    const loading = this.#loading.get(bare) ?? { changed: false }
    this.#loading.set(bare, loading)
    let fields: readonly string[]
    try {
      fields = await fetch()
    } catch (error) {
      if (this.#loading.get(bare) === loading) this.#loading.delete(bare)
      throw error
    }
    if (this.#loading.get(bare) === loading) {
      this.#loading.delete(bare)
      // A change that came meanwhile may be in the answer or not: ask again next time.
      const account = this.#learn(bare, fields)
      const entries = this.sessions(bare)!
      account.stale = loading.changed
      return entries
    }
    return this.sessions(bare) ?? entriesOf(bare, fields)
  }

  /** A change told by Redis: `bare, version before, version after, sid, value`. */
  told(text: string): void {
    const [bare = '', before, after = '', sid = '', ...value] = text.split('\n')
    const loading = this.#loading.get(bare)
    if (loading) loading.changed = true
    const account = this.#accounts.get(bare)
    if (!account) return
    if (account.version !== before) {
      if (Number(after) > Number(account.version) || after === '0') account.stale = true
      return
    }
    account.version = after
    // What this node does with its own sessions it knows sooner.
    if (!this.#isOwn(sid)) this.#set(bare, account, sid, value.length === 0 ? '' : value.join('\n'))
  }

  /** This node has changed one of its own sessions. */
  put(bare: string, place: Place): void {
    const account = this.#accounts.get(bare)
    if (!account) return
    account.places.set(place.entry.sid, place)
    account.list = undefined
    this.#bares.set(place.entry.sid, bare)
  }

  remove(bare: string, sid: string): void {
    const account = this.#accounts.get(bare)
    this.#bares.delete(sid)
    if (account?.places.delete(sid)) account.list = undefined
  }

  #forget(bare: string): void {
    const account = this.#accounts.get(bare)
    this.#accounts.delete(bare)
    for (const sid of account?.places.keys() ?? []) this.#bares.delete(sid)
  }

  /** Changes may have been missed. */
  clear(): void {
    for (const loading of this.#loading.values()) loading.changed = true
    for (const account of this.#accounts.values()) account.stale = true
  }

  #learn(bare: string, fields: readonly string[]): Account {
    this.#forget(bare)
    const account: Account = { version: '0', places: new Map(), list: undefined, stale: false }
    this.#accounts.set(bare, account)
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] === '#') account.version = fields[i + 1]!
      else this.#set(bare, account, fields[i]!, fields[i + 1]!)
    }
    const oldest = this.#accounts.size > CACHED ? this.#accounts.keys().next().value : undefined
    if (oldest !== undefined) this.#forget(oldest)
    return account
  }

  #set(bare: string, account: Account, sid: string, value: string): void {
    const place = value === '' ? undefined : decodePlace(bare, sid, value)
    account.list = undefined
    if (place) {
      account.places.set(sid, place)
      this.#bares.set(sid, bare)
    } else {
      account.places.delete(sid)
      this.#bares.delete(sid)
    }
  }
}

function entriesOf(bare: string, fields: readonly string[]): readonly SessionEntry[] {
  const entries: SessionEntry[] = []
  for (let i = 0; i < fields.length; i += 2) {
    const place = fields[i] === '#' ? undefined : decodePlace(bare, fields[i]!, fields[i + 1]!)
    if (place) entries.push(place.entry)
  }
  return entries.sort(byAge)
}

function byAge(a: SessionEntry, b: SessionEntry): number {
  return a.since - b.since || (a.sid < b.sid ? -1 : 1)
}
