import { Jid } from '@parley/jid'
import type { Packet } from '@parley/live'
import { NS, parseStanza } from '@parley/stanza'
import { idFromText, idText, type OwnedMap } from '@parley/store'
import { Turns } from '../turns.ts'

export interface LastSeenParts {
  /** By room and account: the newest line that was said before the account's last client left. */
  readonly seen: OwnedMap<string>
  /** By room and account: the oldest line that was sent to a client which ended before it took it. */
  readonly lost: OwnedMap<string>
  /** Whether the account belongs to that room, which may be on another node. */
  isMember(room: string, account: string): Promise<boolean>
}

/**
 * Up to where members who are away have read a room: ids of its archive. Nothing is known of who is here, so after a crash of
 * everything members are shown what others are.
 */
export class LastSeen {
  readonly #parts: LastSeenParts
  /** What concerns one account in one room comes one after another. */
  readonly #turns = new Turns()
  /** Writes of each room that are under way. */
  readonly #under = new Map<string, Set<Promise<unknown>>>()

  constructor(parts: LastSeenParts) {
    this.#parts = parts
  }

  /** The last client of a member has left behind that line. */
  left(room: Jid, account: Jid, newest: bigint): Promise<void> {
    return this.#take(room.text, account.text, () => this.#parts.seen.set(room.text, account.text, idText(newest)))
  }

  /** A member may not have been sent that line, nor later ones. */
  async lose(room: string, account: string, first: bigint): Promise<void> {
    if (!(await this.#parts.isMember(room, account))) return
    const text = idText(first)
    await this.#take(room, account, () =>
      this.#parts.lost.update(room, account, before => (before !== undefined && before < text ? before : text)),
    )
  }

  /** Behind which line an account that comes back has to read on; undefined: nothing is known. */
  find(room: Jid, account: Jid): Promise<bigint | undefined> {
    return this.#take(room.text, account.text, async () => {
      const { seen: places, lost: losses } = this.#parts
      const stored = await Promise.all([places, losses].map(map => map.get(room.text, account.text)))
      const [seen, lost] = stored.map(text => (text === undefined ? undefined : idFromText(text)))
      if (seen === undefined || lost === undefined) return seen ?? (lost && lost - 1n)
      return lost <= seen ? lost - 1n : seen
    })
  }

  /** The account is here again, or does not belong to the room any more. */
  forget(room: Jid, account: Jid): Promise<void> {
    const { seen, lost } = this.#parts
    return this.#take(room.text, account.text, async () => {
      await Promise.all([seen.delete(room.text, account.text), lost.delete(room.text, account.text)])
    })
  }

  /** Everything that was to be written of a room, or of all, is. */
  async written(room?: Jid): Promise<void> {
    const all = room ? [this.#under.get(room.text) ?? []] : [...this.#under.values()]
    await Promise.allSettled(all.flatMap(writes => [...writes]))
  }

  /** Lines of rooms that an account's client did not take before it ended are not seen, unless another one `isHere`. */
  async untaken(account: Jid, packets: readonly Packet[], isHere: (room: Jid) => Promise<boolean>): Promise<void> {
    const firsts = new Map<string, bigint>()
    for (const { xml } of packets) {
      if (!xml.includes(' type="groupchat"')) continue
      const stanza = parseStanza(xml)
      const mark = stanza.child('stanza-id', NS.stanzaId)
      const room = stanza.from?.bare.text
      const id = idFromText(mark?.attrs['id'] ?? '')
      if (id === undefined || room === undefined || mark?.attrs['by'] !== room) continue
      const first = firsts.get(room)
      if (first === undefined || id < first) firsts.set(room, id)
    }
    for (const [room, first] of firsts) {
      if (!(await isHere(Jid.parse(room)))) await this.lose(room, account.text, first)
    }
  }

  #take<T>(room: string, account: string, task: () => Promise<T>): Promise<T> {
    const done = this.#turns.take(`${room} ${account}`, task)
    const under = this.#under.get(room) ?? new Set()
    this.#under.set(room, under.add(done))
    const over = () => {
      under.delete(done)
      if (under.size === 0 && this.#under.get(room) === under) this.#under.delete(room)
    }
    done.then(over, over)
    return done
  }
}
