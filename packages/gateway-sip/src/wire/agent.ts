import { createHash } from 'node:crypto'
import type { AdapterClock, AdapterError, AdapterLog } from '@parley/adapter'
import { answerChallenge, type Credentials } from './digest.ts'
import { faultOf } from './faults.ts'
import { type Address, parseAddress } from './fields.ts'
import { Headers } from './headers.ts'
import type { Hop } from './hop.ts'
import { isRequest, type Message, type Request, type Response } from './message.ts'
import { ALLOW, type Extra, METHODS, replyTo } from './reply.ts'
import { answerOnce, type ClientTransactions, ServerTransactions } from './transactions.ts'
import type { Source } from './transports.ts'
import type { Trust, TrustCheck } from './trust.ts'

/** A request of ours, but for what the way there adds. */
export interface Ask {
  readonly method: string
  readonly target: string
  readonly hop: Hop
  /** Of both headers, tags included. */
  readonly from: string
  readonly to: string
  readonly callId: string
  /** Called for each attempt: every one has a number of its own. */
  next(): number
  readonly extra?: Extra
  readonly routes?: readonly string[]
  readonly body?: { readonly type: string; readonly bytes: Buffer }
}

export type Answer = Response & { readonly local?: AdapterError }

/** A request of somebody else that has passed: it is well-formed, new, and its sender may speak for whom it names. */
export interface Call {
  readonly request: Request
  readonly source: Source
  readonly from: Address
  readonly to: Address
  /** Once; `tag` is the one of our side of a dialog. */
  answer(status: number, extra?: Extra, tag?: string): void
  speaksFor(domain: string): boolean
  /** It comes from somebody who speaks for everybody: what they say of others counts. */
  readonly trusted: boolean
}

export interface AgentUse {
  readonly clock: AdapterClock
  readonly log: AdapterLog
  readonly client: ClientTransactions
  readonly trust: TrustCheck
  readonly credentials: Credentials | undefined
  serve(call: Call): void
}

/** What understands requests no further than SIP does: asks, proving who we are; and hears, refusing what has no right to be heard. */
export class Agent {
  readonly #use: AgentUse
  readonly #server: ServerTransactions
  #over = false

  constructor(use: AgentUse) {
    this.#use = use
    this.#server = new ServerTransactions(use.clock)
  }

  stop(): void {
    this.#over = true
    this.#use.client.stop()
    this.#server.stop()
  }

  /** The final answer, after proving who we are where that is wanted. Nothing is thrown. */
  async ask(ask: Ask): Promise<Answer> {
    const request = build(ask)
    const first = await this.#use.client.request(request, ask.hop)
    const { credentials } = this.#use
    if ((first.status !== 401 && first.status !== 407) || !credentials) return first
    const [challenge, proof] =
      first.status === 401 ? ['www-authenticate', 'authorization'] : ['proxy-authenticate', 'proxy-authorization']
    // A list of challenges has commas within each, so a line is one.
    const authorization = answerChallenge(first.headers.lines(challenge), request, credentials)
    if (authorization === undefined) return first
    const second = build(ask)
    second.headers.add(proof, authorization)
    return this.#use.client.request(second, ask.hop)
  }

  hear(message: Message, source: Source) {
    if (this.#over) return
    if (!isRequest(message)) return this.#use.client.hear(message)
    if (this.#server.repeated(message)) return
    const fault = faultOf(message)
    if (fault) {
      const answer = replyTo(message, source, fault.status, {}, tagOf(message))
      return answerOnce(message, source, { ...answer, reason: fault.reason })
    }
    const trust = this.#use.trust.of(message, source)
    if ('refused' in trust) {
      const answer = replyTo(message, source, trust.refused, {}, tagOf(message))
      if (trust.refused === 407) for (const one of trust.challenges) answer.headers.add('proxy-authenticate', one)
      this.#use.log.debug('A SIP request was refused: nobody vouches for it', {
        from: source.host,
        method: message.method,
      })
      return answerOnce(message, source, answer)
    }
    if (this.#server.full) return
    this.#server.begin(message, source)
    const refuse = (status: number, extra?: Extra) =>
      this.#server.answer(message, replyTo(message, source, status, extra))
    if (!METHODS.some(method => method === message.method)) return refuse(405, { allow: ALLOW })
    const needed = message.headers.list('require')
    if (needed.length > 0) return refuse(420, { unsupported: needed.join(', ') })
    if (message.method === 'CANCEL' || message.method === 'BYE') return refuse(481)
    // Calls are not what we are for: a session that could be is not acceptable, one of nothing is declined.
    if (message.method === 'INVITE') return refuse(message.body.length > 0 ? 488 : 603)
    this.#use.serve(this.#call(message, source, trust))
  }

  #call(request: Request, source: Source, trust: Exclude<Trust, { refused: number }>): Call {
    const { headers } = request
    return {
      request,
      source,
      from: parseAddress(headers.get('from')!)!,
      to: parseAddress(headers.get('to')!)!,
      answer: (status, extra, tag) => this.#server.answer(request, replyTo(request, source, status, extra, tag)),
      trusted: trust.speaks === 'all',
      speaksFor: domain => trust.speaks === 'all' || trust.speaks.has(domain),
    }
  }
}

function build(ask: Ask): Request {
  const headers = new Headers([
    ['max-forwards', 70],
    ['from', ask.from],
    ['to', ask.to],
    ['call-id', ask.callId],
    ['cseq', `${ask.next()} ${ask.method}`],
    ...(ask.routes ?? []).map(route => ['route', route] as const),
    ...Object.entries(ask.extra ?? {}),
    ['content-type', ask.body?.type],
  ])
  return { method: ask.method, target: ask.target, headers, body: ask.body?.bytes ?? Buffer.alloc(0) }
}

/** The same for the same request, though nothing of it is remembered (RFC 3261 §8.2.7). */
function tagOf(request: Request): string {
  return createHash('sha256')
    .update(request.headers.get('via') ?? '')
    .digest('hex')
    .slice(0, 16)
}
