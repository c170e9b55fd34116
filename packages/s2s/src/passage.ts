import { StanzaError } from '@parley/stanza'
import type { Entry } from './entry.ts'

/** How long an owner may be silent (ms) before it is asked who has the way now. */
const PATIENCE = 3000
/** An owner that is about to give a way away is asked again then (ms). */
const PAUSE = 200
/** Characters that may be on their way to another node. */
const UNDER_WAY = 4_194_304

/** A stanza on its way to the node that has the link. */
export interface Letter {
  /** Larger than those of all letters before it. */
  readonly n: number
  readonly entry: Entry
}

export interface PassageParts {
  /** `before` is the number of the letter before it, 0 where the reader is to begin anew. False: that node does not listen. */
  post(node: string, letter: Letter, before: number): Promise<boolean>
  /** Somebody has to be asked who has the way now; `gone` is known to be not there. Ends with {@link Passage.move} or with the passage. */
  ask(gone?: string): void
}

/** What goes to another node, which has the link to a domain: kept in order until that node says that it has it. */
export class Passage {
  readonly #parts: PassageParts
  #node: string
  #letters: Letter[] = []
  #chars = 0
  /** The number of the last letter that was posted to this node. */
  #posted = 0
  #asking = false
  #heard = performance.now()
  #moved = 0

  constructor(node: string, parts: PassageParts) {
    this.#node = node
    this.#parts = parts
  }

  get node(): string {
    return this.#node
  }

  get waiting(): number {
    return this.#letters.length
  }

  /** What the other node may not have, oldest first. */
  get entries(): readonly Entry[] {
    return this.#letters.map(({ entry }) => entry)
  }

  /** @throws StanzaError where too much is under way */
  pass(n: number, entry: Entry): void {
    if (this.#chars + entry.xml.length > UNDER_WAY)
      throw new StanzaError('resource-constraint', 'Too much waits for another domain', { type: 'wait' })
    this.add(n, entry)
  }

  /** As {@link pass}, whatever its size: it was taken already. */
  add(n: number, entry: Entry): void {
    if (this.#letters.length === 0) this.#heard = performance.now()
    const letter = { n, entry }
    this.#letters.push(letter)
    this.#chars += entry.xml.length
    if (!this.#asking) this.#post(letter)
  }

  /** The owner has everything up to a letter. */
  had(n: number): void {
    this.#heard = performance.now()
    let taken = 0
    for (const { n: own, entry } of this.#letters) {
      if (own > n) break
      taken++
      this.#chars -= entry.xml.length
    }
    this.#letters.splice(0, taken)
  }

  /** The owner has missed something: it gets all that it has not said to have. */
  again(): void {
    // What was under way when it said so says the same.
    if (!this.#asking && performance.now() - this.#moved > PAUSE) this.move(this.#node)
  }

  /** That node is the owner no longer. */
  left(): void {
    if (this.#asking) return
    this.#asking = true
    setTimeout(() => this.#parts.ask(), PAUSE).unref()
  }

  /** To be called now and then. */
  check(): void {
    if (this.#letters.length > 0 && !this.#asking && performance.now() - this.#heard > PATIENCE) this.#ask()
  }

  /** From now on that node is the owner. */
  move(node: string): void {
    this.#node = node
    this.#asking = false
    this.#posted = 0
    this.#heard = performance.now()
    this.#moved = this.#heard
    for (const letter of this.#letters) this.#post(letter)
  }

  #ask(gone?: string): void {
    if (this.#asking) return
    this.#asking = true
    this.#parts.ask(gone)
  }

  #post(letter: Letter): void {
    const node = this.#node
    const before = this.#posted
    this.#posted = letter.n
    this.#parts.post(node, letter, before).then(
      heard => {
        if (!heard && node === this.#node) this.#ask(node)
      },
      () => undefined, // Redis is away: the check comes back to it.
    )
  }
}
