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

/** What accounts are to a room, by address; and their reserved nicks (XEP-0045 §7.10), found by their first word. */
export class Affiliations extends Map<string, Affiliated> {
  #reserved: ReadonlyMap<string, readonly Reserved[]> | undefined

  constructor(all: Iterable<readonly [string, Affiliated]>) {
    super()
    for (const [account, affiliated] of all) this.set(account, affiliated)
  }

  get reserved(): ReadonlyMap<string, readonly Reserved[]> {
    this.#reserved ??= reservedIn(this)
    return this.#reserved
  }

  override set(account: string, affiliated: Affiliated): this {
    this.#reserved = undefined
    return super.set(account, affiliated)
  }

  override delete(account: string): boolean {
    this.#reserved = undefined
    return super.delete(account)
  }
}

function reservedIn(affiliations: Iterable<[string, Affiliated]>): Map<string, Reserved[]> {
  const found = new Map<string, Reserved[]>()
  for (const [account, { nick }] of affiliations) {
    const lower = nick?.toLowerCase() ?? ''
    const [word] = lower.matchAll(WORDS)
    if (!word) continue
    const others = found.get(word[0]) ?? []
    found.set(word[0], [...others, { account, nick: lower, at: word.index }])
  }
  return found
}
