import { randomInt } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { ExpiringCache } from './cache.ts'
import type { Reply } from './codec.ts'
import { DnsError } from './errors.ts'
import { exchange, NoReply } from './exchange.ts'
import { follow, MAX_ALIASES } from './follow.ts'
import { Lane } from './lane.ts'
import { type Answer, isName, type RecordOf, type RecordType } from './records.ts'
import type { NameServer } from './servers.ts'

/** Each server is asked so often, as resolv.conf(5) has it. */
const ROUNDS = 2
/** Seconds that answers are believed: not less, so that a busy domain is not asked for at each connection … */
const MIN_TTL = 5
/** … and not more, so that who moves is found again within the hour. */
const MAX_TTL = 3600
/** A denial goes stale sooner: it is what an operator who forgot the record waits for. */
const MAX_DENIAL_TTL = 300
const DENIAL_TTL = 60
/** RFC 9520 §3.2: failures are remembered too, for 1 second at least. */
const FAILURE_TTL = 5
/** Two or three names for each of some thousand domains; an entry is some hundred bytes. */
const CACHE_SIZE = 10_000

export interface DnsClientOptions {
  readonly servers: readonly NameServer[]
  readonly clock: Clock
  /** Milliseconds: for one server once, and for the whole question. */
  readonly times: { readonly try: number; readonly all: number }
}

type Outcome = Answer<RecordOf[RecordType]> | DnsError
interface Found {
  readonly outcome: Outcome
  readonly ttl: number
}

/** Asks name servers that do the work (stub resolver); remembers what they say as long as they say. */
export class DnsClient {
  readonly #servers: readonly NameServer[]
  readonly #clock: Clock
  readonly #times: DnsClientOptions['times']
  readonly #known: ExpiringCache<Outcome>
  /** Questions under way: who asks the same waits for the same answer. */
  readonly #asked = new Map<string, Promise<Outcome>>()
  readonly #lane = new Lane()

  constructor({ servers, clock, times }: DnsClientOptions) {
    this.#servers = servers
    this.#clock = clock
    this.#times = times
    this.#known = new ExpiringCache(CACHE_SIZE, clock)
  }

  /** @throws DnsError */
  async query<T extends RecordType>(name: string, type: T): Promise<Answer<RecordOf[T]>> {
    if (!isName(name)) throw new DnsError('badname', `${name} is no name of DNS`)
    const key = `${type} ${name}`
    const outcome = this.#known.get(key) ?? (await (this.#asked.get(key) ?? this.#ask(key, name, type)))
    if (outcome instanceof DnsError) throw outcome
    return outcome as Answer<RecordOf[T]>
  }

  #ask(key: string, name: string, type: RecordType): Promise<Outcome> {
    const until = this.#clock.monotonic() + this.#times.all
    const asking = this.#lane
      .run(() => this.#resolve(name, type, until))
      .catch((error: unknown): Found => {
        if (!(error instanceof DnsError)) throw error
        return { outcome: error, ttl: FAILURE_TTL }
      })
      .then(({ outcome, ttl }) => {
        this.#known.set(key, outcome, ttl)
        return outcome
      })
      .finally(() => this.#asked.delete(key))
    this.#asked.set(key, asking)
    return asking
  }

  async #resolve(start: string, type: RecordType, until: number): Promise<Found> {
    let name = start
    let secure = true
    for (let hops = 0; hops <= MAX_ALIASES; hops++) {
      const { reply, server } = await this.#askServers(name, type, until)
      secure &&= reply.isAuthentic && server.isTrusted
      const found = follow(reply, name, type)
      if (!found) break
      const { records, ttl } = found
      if (records.length > 0) {
        return { outcome: { name: found.name, records, secure }, ttl: clamp(ttl, MAX_TTL) }
      }
      // The server left the end of the aliases to us.
      if (reply.rcode === 'NOERROR' && found.name !== name && reply.denialTtl === undefined && isName(found.name)) {
        name = found.name
        continue
      }
      const code = reply.rcode === 'NXDOMAIN' ? 'nxdomain' : 'nodata'
      const text = code === 'nxdomain' ? `${found.name} does not exist` : `${found.name} has no ${type} records`
      return {
        outcome: new DnsError(code, text, { secure }),
        ttl: clamp(reply.denialTtl ?? DENIAL_TTL, MAX_DENIAL_TTL),
      }
    }
    throw new DnsError('servfail', `The aliases of ${start} lead nowhere`)
  }

  /** Asks one server after another until one can answer. */
  async #askServers(name: string, type: RecordType, until: number): Promise<{ reply: Reply; server: NameServer }> {
    let failure = new DnsError('timeout', 'There is no name server to ask')
    let isProtected = false
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of this.#servers) {
        if (isProtected && !server.isTrusted) continue
        const outcome = await this.#try(server, name, type, until)
        if (!(outcome instanceof DnsError)) return { reply: outcome, server }
        // What a server says tells more than silence.
        if (outcome.code !== 'timeout' || failure.code === 'timeout') failure = outcome
        // This is also how a validating server says that an answer is forged (RFC 4035 §5.5): others would believe it.
        if (outcome.code === 'servfail' && server.isTrusted) isProtected = true
      }
    }
    throw failure
  }

  async #try(server: NameServer, name: string, type: RecordType, until: number): Promise<Reply | DnsError> {
    for (const isExtended of [true, false]) {
      const left = until - this.#clock.monotonic()
      if (left <= 0) return new DnsError('timeout', `Nobody answered for ${name} ${type} in time`)
      const question = { id: randomInt(0x10000), name, type, isExtended }
      try {
        const reply = await exchange(server, question, Math.min(left, this.#times.try), this.#clock)
        if (reply.rcode === 'NOERROR' || reply.rcode === 'NXDOMAIN') return reply
        // RFC 6891 §7: it does not know EDNS0.
        if (isExtended && (reply.rcode === 'FORMERR' || reply.rcode === 'NOTIMP')) continue
        const code = reply.rcode === 'REFUSED' ? 'refused' : 'servfail'
        return new DnsError(code, `${server.address} says ${reply.rcode} for ${name} ${type}`)
      } catch (error) {
        if (!(error instanceof NoReply)) throw error
        return new DnsError('timeout', `${server.address} does not answer for ${name} ${type}: ${error.message}`)
      }
    }
    return new DnsError('servfail', `${server.address} does not understand the question for ${name} ${type}`)
  }
}

/** @param ttl of which more than 2³¹ is 0 (RFC 2181 §8) */
function clamp(ttl: number, most: number): number {
  return ttl > 0x7fffffff ? MIN_TTL : Math.min(Math.max(ttl, MIN_TTL), most)
}
