import { createHash } from 'node:crypto'
import type { Ack, AdapterClock, Outgoing } from '@parley/adapter'
import { targetOf } from '../addresses.ts'
import { Bounded } from '../bounded.ts'
import { errorOf } from '../errors.ts'
import type { Agent, Answer } from '../wire/agent.ts'
import { formatAddress } from '../wire/fields.ts'
import type { Hop, Ways } from '../wire/hop.ts'
import type { Extra } from '../wire/reply.ts'
import { token } from '../wire/token.ts'
import { formatUri } from '../wire/uri.ts'
import { COMPOSING, writeComposing } from './composing.ts'
import { CPIM, type Notification, writeEnvelope, writeNotification } from './cpim.ts'
import type { Deaf } from './deaf.ts'
import { split } from './split.ts'

export interface SenderUse {
  readonly agent: Agent
  readonly clock: AdapterClock
  readonly ways: Ways
  readonly deaf: Deaf
  /** Receipts are asked for, where the user wants them. */
  readonly envelopes: boolean
  uri(user: string): string
}

/** Where a message has got to: it may come again under its key, when nobody knows whether it arrived. */
interface Attempt {
  readonly id: string
  readonly callId: string
  readonly tag: string
  /** The number of the first try: by that the other side knows a repeat (RFC 3261 §8.2.2.2). */
  sequence: number | undefined
  /** Pieces that have arrived, where it goes in pieces. */
  done: number
  ack: Ack | undefined
}

const MOST_REMEMBERED = 10_000
/** Bytes of a piece, where a whole message is too large for a datagram: the rest is for headers. */
const PIECE = 700
/** A typing notice holds for a minute, and is not repeated before half of it (ms). */
const TYPING_AGAIN = 30_000

/** Call-IDs as RFC 3261 §25.1 has them: what else a thread is called is hidden behind a digest. */
const CALL_ID = /^[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]{1,200}(@[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]{1,50})?$/

/** What our users say (RFC 3428, RFC 7572 §4). */
export class Sender {
  readonly #use: SenderUse
  readonly #attempts = new Bounded<Attempt>(MOST_REMEMBERED)
  readonly #threads = new Bounded<string>(MOST_REMEMBERED)
  readonly #typing = new Bounded<number>(MOST_REMEMBERED)
  #sequence = 1

  constructor(use: SenderUse) {
    this.#use = use
  }

  async send(message: Outgoing, user: string): Promise<Ack> {
    const attempt = this.#attempts.get(message.key) ?? this.#begin(message)
    if (attempt.ack) return attempt.ack
    const peer = message.to.peer
    this.#typing.delete(`${user} ${peer}`)
    const extra = { subject: message.subject }
    let enveloped = message.receipt && this.#use.envelopes && !this.#use.deaf.has(peer, 'envelope')
    let answer = await this.#say(
      user,
      peer,
      attempt,
      extra,
      enveloped ? this.#envelope(user, message, attempt) : plain(message.text),
    )
    if (enveloped && UNHEARD.has(answer.status)) {
      await this.#use.deaf.add(peer, 'envelope')
      enveloped = false
      attempt.sequence = undefined
      answer = await this.#say(user, peer, attempt, extra, plain(message.text))
    }
    if (
      answer.local &&
      answer.status === 503 &&
      this.#hop(peer).transport === 'udp' &&
      message.text.length > PIECE / 4
    ) {
      enveloped = false
      answer = await this.#inPieces(user, message, attempt)
    }
    if (answer.status >= 300) throw errorOf(answer)
    attempt.ack = { level: answer.status === 202 ? 'queued' : 'sent', ...(enveloped && { id: attempt.id }) }
    return attempt.ack
  }

  #begin(message: Outgoing): Attempt {
    const callId = message.thread === undefined ? token(16) : this.#callIdOf(message.thread)
    const attempt = { id: token(), callId, tag: token(8), sequence: undefined, done: 0, ack: undefined }
    this.#attempts.set(message.key, attempt)
    return attempt
  }

  /** RFC 7572 §4: a thread is the Call-ID of its messages. */
  #callIdOf(thread: string): string {
    if (CALL_ID.test(thread)) return thread
    const callId = createHash('sha256').update(thread).digest('hex').slice(0, 40)
    this.#threads.set(callId, thread)
    return callId
  }

  threadOf(callId: string): string {
    return this.#threads.get(callId) ?? callId
  }

  #envelope(user: string, message: Outgoing, attempt: Attempt) {
    const outside = { from: this.#use.uri(user), to: uriOf(message.to.peer), at: this.#use.clock.now(), id: attempt.id }
    return { type: CPIM, bytes: writeEnvelope(outside, message.text) }
  }

  /** §8 of RFC 3428: what does not fit a datagram, and has no other way, goes in parts. */
  async #inPieces(user: string, message: Outgoing, attempt: Attempt): Promise<Answer> {
    const pieces = split(message.text, PIECE)
    let answer: Answer | undefined
    while (attempt.done < pieces.length) {
      attempt.sequence = undefined
      answer = await this.#say(user, message.to.peer, attempt, {}, plain(pieces[attempt.done]!))
      if (answer.status >= 300) return answer
      attempt.done++
    }
    return answer!
  }

  #hop(peer: string): Hop {
    return this.#use.ways.to(targetOf(peer))
  }

  #say(user: string, peer: string, at: Attempt, extra: Extra, body: { type: string; bytes: Buffer }): Promise<Answer> {
    const target = uriOf(peer)
    at.sequence ??= this.#sequence++
    let number = at.sequence
    return this.#use.agent.ask({
      method: 'MESSAGE',
      target,
      hop: this.#hop(peer),
      from: formatAddress(this.#use.uri(user), new Map([['tag', at.tag]])),
      to: formatAddress(target),
      callId: at.callId,
      next: () => {
        const own = number
        number = this.#sequence++
        return own
      },
      extra,
      body,
    })
  }

  /** RFC 3994. To a peer that has said that it does not know it: never again. */
  async typing(user: string, peer: string, active: boolean): Promise<void> {
    const key = `${user} ${peer}`
    const last = this.#typing.get(key)
    const now = this.#use.clock.now()
    if (
      this.#use.deaf.has(peer, 'typing') ||
      (active ? now - (last ?? -TYPING_AGAIN) < TYPING_AGAIN : last === undefined)
    )
      return
    if (active) this.#typing.set(key, now)
    else this.#typing.delete(key)
    const answer = await this.#aside(user, peer, COMPOSING, writeComposing(active))
    if (UNHEARD.has(answer.status)) await this.#use.deaf.add(peer, 'typing')
  }

  async notify(user: string, peer: string, about: Notification): Promise<void> {
    const outside = { from: this.#use.uri(user), to: uriOf(peer), at: this.#use.clock.now() }
    const answer = await this.#aside(user, peer, CPIM, writeNotification(outside, about))
    if (answer.status >= 300) throw errorOf(answer)
  }

  #aside(user: string, peer: string, type: string, bytes: Buffer): Promise<Answer> {
    const attempt = { id: '', callId: token(16), tag: token(8), sequence: undefined, done: 0, ack: undefined }
    return this.#say(user, peer, attempt, {}, { type, bytes })
  }
}

/** Answers of those who do not take such a thing, now or later. */
const UNHEARD: ReadonlySet<number> = new Set([405, 406, 415, 488, 501, 606])

const uriOf = (peer: string) => formatUri(targetOf(peer))
const plain = (text: string) => ({ type: 'text/plain; charset=UTF-8', bytes: Buffer.from(text) })
