import type { AdapterClock, Presence } from '@parley/adapter'
import type { Agent } from '../wire/agent.ts'
import { formatAddress } from '../wire/fields.ts'
import type { Hop } from '../wire/hop.ts'
import { token } from '../wire/token.ts'
import { PIDF, writePidf } from './pidf.ts'
import { seconds } from './state.ts'

export interface PublisherUse {
  readonly agent: Agent
  readonly clock: AdapterClock
  /** Of the server that keeps the presence. */
  readonly hop: Hop
  readonly expires: number
  uri(user: string): string
}

interface Published {
  presence: Presence
  /** What the server calls what we have said (RFC 3903 §4.1). */
  tag: string | undefined
  readonly callId: string
  sequence: number
  busy: boolean
  again: boolean
  stopTimer: () => void
}

/** The presence of our users at a server of presence that others ask (RFC 3903). */
export class Publisher {
  readonly #use: PublisherUse
  readonly #all = new Map<string, Published>()

  constructor(use: PublisherUse) {
    this.#use = use
  }

  tell(user: string, presence: Presence): void {
    const gone = presence.show === 'unavailable' || presence.show === 'invisible'
    const known = this.#all.get(user)
    if (!known && gone) return
    const published = known ?? {
      ...{ presence, tag: undefined, callId: token(16), sequence: 1 },
      ...{ busy: false, again: false, stopTimer: () => {} },
    }
    published.presence = presence
    this.#all.set(user, published)
    void this.#publish(user, published, true)
  }

  stop(): void {
    for (const published of this.#all.values()) published.stopTimer()
    this.#all.clear()
  }

  /** @param changed else it is only kept alive, without a body (§4.1, table 1) */
  async #publish(user: string, published: Published, changed: boolean): Promise<void> {
    published.again = published.busy
    if (published.busy) return
    published.busy = true
    published.stopTimer()
    const gone = published.presence.show === 'unavailable' || published.presence.show === 'invisible'
    const uri = this.#use.uri(user)
    const body = { type: PIDF, bytes: writePidf(uri, published.presence) }
    const answer = await this.#use.agent.ask({
      method: 'PUBLISH',
      target: uri,
      hop: this.#use.hop,
      from: formatAddress(uri, new Map([['tag', token(8)]])),
      to: formatAddress(uri),
      callId: published.callId,
      next: () => published.sequence++,
      extra: { event: 'presence', expires: gone ? 0 : this.#use.expires, 'sip-if-match': published.tag },
      ...((changed || published.tag === undefined) && !(gone && published.tag) && { body }),
    })
    published.busy = false
    if (this.#all.get(user) !== published) return
    const forgotten = answer.status === 412 && published.tag !== undefined
    published.tag =
      answer.status < 300 && !gone ? answer.headers.get('sip-etag') : forgotten ? undefined : published.tag
    if (published.again) return this.#publish(user, published, true)
    if (gone) {
      this.#all.delete(user)
      return
    }
    // §5: what the server has forgotten is said anew.
    if (forgotten) return this.#publish(user, published, true)
    const lasts = answer.status < 300 ? (seconds(answer.headers.get('expires')) ?? this.#use.expires) : 60
    const refresh = Math.max(lasts - Math.min(60, lasts / 4), 5) * 1000
    published.stopTimer = this.#use.clock.after(
      refresh,
      () => void this.#publish(user, published, answer.status >= 300),
    )
  }
}
