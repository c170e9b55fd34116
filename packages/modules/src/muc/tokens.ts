import { randomBytes } from 'node:crypto'
import { Jid } from '@parley/jid'
import { StanzaError } from '@parley/stanza'
import type { OwnedMap } from '@parley/store'
import { type Element, el } from '@parley/xml'
import type { Clock } from '@xmpp/server-core'
import { isAtLeast } from './roles.ts'
import type { Room } from './room.ts'

export const TOKENS = 'urn:xmpp:muc-token-invite:0'

/** Tokens of one room that one account may have. */
const MOST = 50

export type StoredToken = {
  /** The account that has asked for it. */
  readonly creator: string
  /** Milliseconds since 1970. */
  readonly until: number
  /** How many may still come with it; absent: any number. */
  readonly left?: number
}

/** Tokens that make a member of whoever enters with one as the password (XEP-0488). */
export class Tokens {
  readonly #stored: OwnedMap<StoredToken>
  readonly #clock: Clock
  readonly #longest: number

  /** @param longest how long a token is good at most, in milliseconds */
  constructor(stored: OwnedMap<StoredToken>, clock: Clock, longest: number) {
    this.#stored = stored
    this.#clock = clock
    this.#longest = longest
  }

  /** @throws StanzaError `forbidden`, `bad-request`, `resource-constraint` */
  async issue(room: Room, from: Jid, request: Element): Promise<Element> {
    checkIssuer(room, from)
    const [seconds, left] = [request.attrs['delay'], request.attrs['counter']].map(readCount)
    const own = [...(await this.#good(room))].filter(([, { creator }]) => creator === from.bare.text)
    if (own.length >= MOST) throw new StanzaError('resource-constraint', 'You have too many tokens of this room')
    const text = randomBytes(24).toString('base64url')
    const until = this.#clock.now() + Math.min((seconds ?? Number.POSITIVE_INFINITY) * 1000, this.#longest)
    const token = { creator: from.bare.text, until, ...(left !== undefined && { left }) }
    await this.#stored.set(room.jid.text, text, token)
    return this.#elementOf(text, token)
  }

  /** §3.6: those that somebody may revoke. @throws StanzaError `forbidden` */
  async list(room: Room, from: Jid): Promise<Element> {
    checkIssuer(room, from)
    const tokens = [...(await this.#good(room))].filter(([, token]) => mayRevoke(room, from, token))
    return el(
      'tokens',
      TOKENS,
      null,
      tokens.map(([text, token]) => this.#elementOf(text, token)),
    )
  }

  /** @throws StanzaError `forbidden`, `item-not-found` */
  async revoke(room: Room, from: Jid, text: string): Promise<void> {
    checkIssuer(room, from)
    const token = await this.#find(room, text)
    if (!token || !mayRevoke(room, from, token)) throw new StanzaError('item-not-found', 'There is no such token')
    await this.#stored.delete(room.jid.text, text)
  }

  /** Whether somebody may come with it: it is good, and so is whoever has made it. */
  async isGood(room: Room, text: string): Promise<boolean> {
    const token = await this.#find(room, text)
    return token !== undefined && mayIssue(room, Jid.parse(token.creator))
  }

  /** Somebody has come with it. */
  async use(room: Room, text: string): Promise<void> {
    await this.#stored.update(room.jid.text, text, token => {
      if (token?.left === undefined) return token
      return token.left > 1 ? { ...token, left: token.left - 1 } : undefined
    })
  }

  async #find({ jid }: Room, text: string): Promise<StoredToken | undefined> {
    if (!/^[\w-]{32}$/.test(text)) return undefined
    const token = await this.#stored.get(jid.text, text)
    return token && token.until > this.#clock.now() ? token : undefined
  }

  /** Those that are out of date go. */
  async #good({ jid }: Room): Promise<Map<string, StoredToken>> {
    const all = await this.#stored.all(jid.text)
    for (const [text, { until }] of all) {
      if (until > this.#clock.now()) continue
      all.delete(text)
      await this.#stored.delete(jid.text, text)
    }
    return all
  }

  #elementOf(text: string, { creator, until, left }: StoredToken): Element {
    const delay = Math.ceil((until - this.#clock.now()) / 1000)
    return el('token', TOKENS, { delay, counter: left, creator }, text)
  }
}

/** §7: as with invitations. A room with a password asks everybody for that, every time. */
function mayIssue(room: Room, account: Jid): boolean {
  const affiliation = room.affiliationOf(account)
  const may = isAtLeast(affiliation, 'admin') || (affiliation === 'member' && room.config.allowInvites)
  return may && room.config.password === ''
}

function checkIssuer(room: Room, from: Jid): void {
  if (!mayIssue(room, from.bare)) throw new StanzaError('forbidden', 'You may not make tokens for this room')
}

/** §7: moderators see to the tokens of all. */
function mayRevoke(room: Room, from: Jid, { creator }: StoredToken): boolean {
  const isModerator = room.byReal(from)?.role === 'moderator' || isAtLeast(room.affiliationOf(from.bare), 'admin')
  return isModerator || creator === from.bare.text
}

function readCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,9}$/.test(text))
    throw new StanzaError('bad-request', 'How long, and for how many, is said in whole numbers')
  return Number(text)
}
