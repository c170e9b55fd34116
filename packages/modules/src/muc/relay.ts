import { randomUUID } from 'node:crypto'
import type { Jid } from '@parley/jid'
import { type Iq, NS, StanzaError } from '@parley/stanza'
import { el, type Node } from '@parley/xml'
import type { Clock } from '@xmpp/server-core'
import type { Room } from './room.ts'
import { speakerOf } from './speaking.ts'

/** A request of one occupant to another that has no answer yet. */
interface Pending {
  /** Who has asked: real address and id; and whom, as an occupant. */
  readonly asker: Jid
  readonly id: string | undefined
  readonly asked: Jid
  readonly until: number
}

/** Who has found the error (RFC 6120 §8.3.1) is the client whose address is hidden, or its server. */
function withoutReporter(node: Node): Node {
  if (typeof node === 'string' || !node.is('error', NS.client)) return node
  return el('error', NS.client, { ...node.attrs, by: undefined }, node.children)
}

/** After so long nobody waits for an answer any more (ms), and how many requests of one client may be under way. */
const PATIENCE = 60_000
const UNDER_WAY = 100

const PING = 'urn:xmpp:ping'
const DISCO: ReadonlySet<string> = new Set([NS.discoInfo, NS.discoItems])

/** Requests between occupants who do not know each other's address (XEP-0045 §17.4). */
export class Relay {
  readonly #pending = new Map<string, Pending>()
  /** How many each client has under way. */
  readonly #counts = new Map<string, number>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The request as the other one gets it; 'pong' where the room answers for it. @throws StanzaError */
  request(room: Room, from: Jid, to: Jid, iq: Iq): Iq | 'pong' {
    // XEP-0045 §6.6
    if (DISCO.has(iq.payload.ns) && !room.byReal(from)) {
      throw new StanzaError('bad-request', 'Only occupants may ask what an occupant can do')
    }
    const asker = speakerOf(room, from)
    // XEP-0410 §3.3: whether one is still here, without a way to the client and back.
    if (iq.payload.ns === PING && asker.nick === to.resource) return 'pong'
    const target = room.byNick(to.resource)
    const seat = target && [...target.seats.values()].at(-1)
    if (!target || !seat) throw new StanzaError('item-not-found', 'Nobody of that nick is here')
    this.#expire()
    const count = this.#counts.get(from.text) ?? 0
    if (count >= UNDER_WAY) throw new StanzaError('resource-constraint', 'Too many requests are under way')
    this.#counts.set(from.text, count + 1)
    const id = randomUUID()
    this.#pending.set(id, { asker: from, id: iq.id, asked: to, until: this.#clock.monotonic() + PATIENCE })
    // The account has the vCard, not the client (XEP-0054 §3.3).
    return iq.with({ id, from: asker.jid, to: iq.payload.ns === NS.vcard ? target.account : seat.jid })
  }

  /** An answer, on its way to who has asked; undefined: nobody waits for it. */
  answer(iq: Iq): Iq | undefined {
    const pending = this.#pending.get(iq.id ?? '')
    const isFrom = pending && iq.to?.bare.equals(pending.asked.bare)
    if (!pending || !isFrom) return undefined
    this.#settle(iq.id ?? '', pending)
    const answer = iq.type === 'error' ? iq.withChildren(iq.children.map(withoutReporter)) : iq
    return answer.with({ id: pending.id, from: pending.asked, to: pending.asker })
  }

  #expire(): void {
    const now = this.#clock.monotonic()
    for (const [id, pending] of this.#pending) {
      if (pending.until > now) break
      this.#settle(id, pending)
    }
  }

  #settle(id: string, { asker }: Pending): void {
    this.#pending.delete(id)
    const count = (this.#counts.get(asker.text) ?? 1) - 1
    if (count > 0) this.#counts.set(asker.text, count)
    else this.#counts.delete(asker.text)
  }
}
