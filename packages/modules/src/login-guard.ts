import { type Clock, Throttle } from '@xmpp/server-core'

/** Places from which somebody got in lately; the oldest are forgotten first. */
const PLACES = 20_000

/**
 * Makes guessing of passwords slow without locking anybody out. Failures count for the address (an IPv6 network as a whole)
 * and for the account that was named, whether it exists or not:
 *
 * - An address with too many failures tries no passwords for a while.
 * - An account with too many failures, however many addresses they come from, takes passwords only from places where
 *   somebody has logged in to it before. From anywhere else the right password gets in when the time since the last
 *   failures has made room again: slowly, and never not at all.
 * - Tokens and client certificates cannot be guessed. They are not counted and not held up, so the clients of somebody
 *   under attack notice nothing.
 *
 * Nodes tell each other what they see, so it makes no difference which one somebody tries.
 */
export class LoginGuard {
  readonly #failures: Throttle
  readonly #places = new Set<string>()
  readonly #tell: (news: string) => void

  constructor(clock: Clock, perMinute: number, tell: (news: string) => void) {
    this.#failures = new Throttle(clock, perMinute)
    this.#tell = tell
  }

  /** What another node has told. */
  heard(news: string): void {
    const [what, place = '', user] = news.split('\n')
    if (what === 'in') this.#remember(`${place} ${user}`)
    else this.#count(place, user)
  }

  /** Whether a password for `user` may be tried from there. */
  admits(place: string, user: string): boolean {
    if (!this.#failures.allows(`address ${place}`)) return false
    return this.#places.has(`${place} ${user}`) || this.#failures.allows(`account ${user}`)
  }

  failed(place: string, user: string | undefined): void {
    this.#tell(user === undefined ? `no\n${place}` : `no\n${place}\n${user}`)
    this.#count(place, user)
  }

  succeeded(place: string, user: string): void {
    const key = `${place} ${user}`
    if (!this.#places.has(key)) this.#tell(`in\n${place}\n${user}`)
    this.#remember(key)
  }

  #count(place: string, user: string | undefined): void {
    this.#failures.count(`address ${place}`)
    // A guesser at the owner's own place wears out that place alone.
    if (user !== undefined && !this.#places.has(`${place} ${user}`)) this.#failures.count(`account ${user}`)
  }

  #remember(key: string): void {
    this.#places.delete(key)
    this.#places.add(key)
    if (this.#places.size > PLACES) this.#places.delete(this.#places.values().next().value!)
  }
}
