import { createHash, hkdfSync } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import type { Clock, Logger } from '@xmpp/server-core'

/** A secret that all processes share, for one day (`2026-01-31`); days that are over are forgotten. */
export type DailySecret = (day: string) => Promise<Buffer>

export interface TicketParts {
  readonly secret: DailySecret
  readonly clock: Clock
  readonly log: Logger
}

/** What Node takes: a name, a key for authentication, a key for encryption. */
const KEY_BYTES = 48
const CONTEXT_BYTES = 32
const CHECK = 60_000

/**
 * Keys of TLS session tickets (RFC 8446 §4.6.1, RFC 5077), the same in every process, so that a client resumes its TLS
 * session wherever it comes back. Each day has its own: what was recorded cannot be read with keys of later days. With
 * TLS 1.3 a resumed session has fresh keys besides.
 */
export class Tickets {
  readonly #parts: TicketParts
  readonly #stop: () => void
  #day: string
  #secret: Buffer
  #isAsking = false

  private constructor(parts: TicketParts, day: string, secret: Buffer, changed: () => void) {
    this.#parts = parts
    this.#day = day
    this.#secret = secret
    this.#stop = parts.clock.every(CHECK, () => this.#check(changed))
  }

  /** @param changed called when a new day has brought new keys */
  static async open(parts: TicketParts, changed: () => void): Promise<Tickets> {
    const day = dayOf(parts.clock)
    return new Tickets(parts, day, await parts.secret(day), changed)
  }

  /**
   * What a TLS server needs to give tickets that others like it take.
   *
   * @param server names those that do the same for the same domain
   * @param certificates all that may be shown, as one text: with another certificate nobody resumes
   */
  options(server: string, certificates: string): TlsOptions {
    const keys = hkdfSync('sha256', this.#secret, '', `ticket keys ${fingerprint(certificates)}`, KEY_BYTES)
    return { ticketKeys: Buffer.from(keys), sessionIdContext: fingerprint(server).slice(0, CONTEXT_BYTES) }
  }

  close(): void {
    this.#stop()
  }

  #check(changed: () => void): void {
    const { clock, log, secret } = this.#parts
    const day = dayOf(clock)
    if (day === this.#day || this.#isAsking) return
    this.#isAsking = true
    secret(day)
      .then(value => {
        this.#day = day
        this.#secret = value
        changed()
      })
      .catch((error: unknown) =>
        log.warn('the secret of TLS tickets for a new day can not be read: that of before stays', { error }),
      )
      .finally(() => {
        this.#isAsking = false
      })
  }
}

function dayOf(clock: Clock): string {
  return new Date(clock.now()).toISOString().slice(0, 10)
}

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
