import { Jid } from '@parley/jid'
import { NS } from '@parley/stanza'
import { type Element, el, serialize } from '@parley/xml'
import { type Awaitable, chain, type StreamCondition } from '@xmpp/server-core'
import { S2S, WRAP } from './names.ts'
import type { Reception } from './reception.ts'
import { takeStanza } from './take.ts'
import { PING_ID } from './unconfirmed.ts'

const STANZAS: ReadonlySet<string> = new Set(['message', 'presence', 'iq'])

export function isStanza({ name, ns }: Element): boolean {
  return ns === NS.client && STANZAS.has(name)
}

export interface ArrivalsParts {
  readonly reception: Pick<Reception, 'server' | 'isOurs' | 'ponged' | 'border'>
  /** Whether the peer may speak for a domain, to another one. */
  isProven(from: string, to: string): boolean
  /** Ends the stream. */
  fail(condition: StreamCondition, text: string): void
}

/** Stanzas that a peer sends, on a stream that it has opened, or that we have (XEP-0288). */
export class Arrivals {
  readonly #parts: ArrivalsParts
  #total = 0
  /** XEP-0198: how many had been handled when counting began; undefined before. */
  #from: number | undefined

  constructor(parts: ArrivalsParts) {
    this.#parts = parts
  }

  /** Stanzas handled in all. */
  get total(): number {
    return this.#total
  }

  get isCounted(): boolean {
    return this.#from !== undefined
  }

  count(): void {
    this.#from = this.#total
  }

  /** An answer to `<r/>`; empty where nobody counts. */
  acknowledgement(): string {
    return this.#from === undefined ? '' : serialize(el('a', S2S.sm, { h: (this.#total - this.#from) % WRAP }))
  }

  take(element: Element): Awaitable<void> {
    const { reception, isProven, fail } = this.#parts
    const { from, to, type, id } = element.attrs
    const sender = from === undefined ? undefined : Jid.tryParse(from)
    const target = to === undefined ? undefined : Jid.tryParse(to)
    // RFC 6120 §8.1.1.2, §8.1.2.2.
    if (!sender || !target) {
      fail('improper-addressing', 'A stanza between servers needs "from" and "to"')
      return
    }
    if (!isProven(sender.domain, target.domain)) {
      fail('invalid-from', `Nobody has proven to be ${sender.domain}`)
      return
    }
    if (!reception.isOurs(target.domain)) {
      fail('host-unknown', `${target.domain} is not here`)
      return
    }
    if (element.name === 'iq' && (type === 'result' || type === 'error') && id?.startsWith(PING_ID)) {
      reception.ponged({ from: target.domain, to: sender.domain }, id)
      this.#total++
      return
    }
    return chain(takeStanza(reception, element, sender, target), () => {
      this.#total++
      return reception.border.pace(sender.domain)
    })
  }
}
