import { Jid } from '@parley/jid'
import { areAlike, type Looks, looksOf } from './looks.ts'
import { isAtLeast } from './roles.ts'
import type { Affiliated } from './room.ts'

/** A nick that is kept for an account, as a text is searched for it. */
export interface Reserved {
  readonly account: string
  /** In lower case. */
  readonly nick: string
  /** Where in it its first word begins. */
  readonly at: number
}

/** Letters and digits of any script. */
export const WORDS = /[\p{L}\p{N}_]+/gu

/** Nicks that are kept: by their first word, and the account of each, by the nick in lower case. */
interface Nicks {
  readonly byWord: ReadonlyMap<string, readonly Reserved[]>
  readonly accounts: ReadonlyMap<string, string>
}

/** What accounts are to a room, by address; who belongs to it; and reserved nicks (XEP-0045 §7.10), found by their first word. */
export class Affiliations extends Map<string, Affiliated> {
  /** Of the nicks that are kept, by account. */
  readonly #looks = new Map<string, Looks>()
  #nicks: Nicks | undefined
  #members: readonly Jid[] | undefined

  constructor(all: Iterable<readonly [string, Affiliated]>) {
    super()
    for (const [account, affiliated] of all) this.set(account, affiliated)
  }

  get nicks(): Nicks {
    this.#nicks ??= nicksIn(this)
    return this.#nicks
  }

  /** Members, admins and owners; another list after each change. */
  get members(): readonly Jid[] {
    this.#members ??= [...this].flatMap(([account, { affiliation }]) =>
      isAtLeast(affiliation, 'member') ? Jid.parse(account) : [],
    )
    return this.#members
  }

  /** Accounts for which a nick of such looks is kept. */
  keepersOf(looks: Looks): readonly string[] {
    const keepers: string[] = []
    for (const [account, kept] of this.#looks) if (areAlike(kept, looks)) keepers.push(account)
    return keepers
  }

  override set(account: string, affiliated: Affiliated): this {
    this.#changed()
    if (affiliated.nick === undefined) this.#looks.delete(account)
    else if (affiliated.nick !== this.get(account)?.nick) this.#looks.set(account, looksOf(affiliated.nick))
    return super.set(account, affiliated)
  }

  override delete(account: string): boolean {
    this.#changed()
    this.#looks.delete(account)
    return super.delete(account)
  }

  #changed(): void {
    this.#nicks = undefined
    this.#members = undefined
  }
}

function nicksIn(affiliations: Iterable<[string, Affiliated]>): Nicks {
  const byWord = new Map<string, Reserved[]>()
  const accounts = new Map<string, string>()
  for (const [account, { nick }] of affiliations) {
    if (nick === undefined) continue
    const lower = nick.toLowerCase()
    if (!accounts.has(lower)) accounts.set(lower, account)
    const [word] = lower.matchAll(WORDS)
    if (!word) continue
    const reserved = { account, nick: lower, at: word.index }
    const others = byWord.get(word[0])
    if (others) others.push(reserved)
    else byWord.set(word[0], [reserved])
  }
  return { byWord, accounts }
}
