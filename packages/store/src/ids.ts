/** Ids of a log: 41 bits of milliseconds since 2020, 10 bits of node, 12 bits of sequence; 63 bits, so that a bigint column holds them. */
const EPOCH = Date.UTC(2020, 0, 1)
const TIME_SHIFT = 22n
const SEQUENCE_BITS = 12
const LAST_SEQUENCE = 2 ** SEQUENCE_BITS - 1

/** Gives ids that sort by time and never repeat or go back, whatever the clock does. */
export class ArchiveIds {
  readonly #clock: () => number
  #ms = 0
  #sequence = 0
  #node = 0

  constructor(clock: () => number = Date.now) {
    this.#clock = clock
  }

  /** Nodes that write into one database at the same time must have different numbers, 0 to 1023. */
  set node(node: number) {
    if (!Number.isInteger(node) || node < 0 || node > 1023)
      throw new RangeError(`node number ${node} is not within 0..1023`)
    this.#node = node
  }

  /** All further ids are larger than `id`. */
  startAfter(id: bigint): void {
    const ms = Number(id >> TIME_SHIFT)
    if (ms < this.#ms) return
    this.#ms = ms
    this.#sequence = LAST_SEQUENCE
  }

  next(): bigint {
    const ms = Math.max(0, this.#clock() - EPOCH)
    if (ms > this.#ms) {
      this.#ms = ms
      this.#sequence = 0
    } else if (this.#sequence < LAST_SEQUENCE) {
      this.#sequence++
    } else {
      this.#ms++
      this.#sequence = 0
    }
    return (BigInt(this.#ms) << TIME_SHIFT) | BigInt((this.#node << SEQUENCE_BITS) | this.#sequence)
  }
}

/** Milliseconds since 1970 of an id. */
export function idTime(id: bigint): number {
  return Number(id >> TIME_SHIFT) + EPOCH
}

/** The smallest id of that millisecond. */
export function firstIdAt(time: number): bigint {
  return BigInt(Math.min(Math.max(0, Math.floor(time) - EPOCH), 2 ** 41 - 1)) << TIME_SHIFT
}

/** The id as 13 characters (base 32, digits 0-9a-v) that sort as the ids do; for `<stanza-id/>` and RSM. */
export function idText(id: bigint): string {
  return id.toString(32).padStart(13, '0')
}

/** Undefined where the text is not an id: other servers and clients write anything. */
export function idFromText(text: string): bigint | undefined {
  if (!/^[0-7][0-9a-v]{12}$/.test(text)) return undefined
  return (BigInt(Number.parseInt(text.slice(0, 7), 32)) << 30n) | BigInt(Number.parseInt(text.slice(7), 32))
}
