import { randomUUID } from 'node:crypto'
import { type Stanza, StanzaError } from '@parley/stanza'
import type { Transit } from '@xmpp/server-core'

/** How long an owner may be silent (ms) before it is asked who has the room now, and how often that is done. */
const PATIENCE = 3000
const MOVES = 8

/** A stanza on its way to the node that has its room. */
interface Letter {
  readonly id: string
  readonly stanza: Stanza
  readonly transit: Transit
  readonly at: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export interface MailbagParts {
  /** False: that node does not listen. */
  post(node: string, letter: Pick<Letter, 'id' | 'stanza' | 'transit'>): Promise<boolean>
  /** Who has the room now; `gone` is known to be not there. */
  ask(gone: string | undefined): Promise<string>
  isHere(node: string): boolean
  /** This node has the room: does what is to be done. */
  handle(stanza: Stanza, transit: Transit): Promise<void>
  /** Nothing is under way any more. */
  empty(): void
}

/**
 * What is on its way to the owner of one room and has no answer yet, in order. Where the owner dies, its successor gets all of
 * it, in that order again: what was done already is known by its number, and has no second effect.
 */
export class Mailbag {
  readonly #parts: MailbagParts
  #node: string
  #letters: Letter[] = []
  #moving = false
  #moves = 0
  readonly #timer: NodeJS.Timeout

  constructor(node: string, parts: MailbagParts) {
    this.#node = node
    this.#parts = parts
    // Real time, as between nodes and Redis.
    this.#timer = setInterval(() => this.#check(), PATIENCE / 4)
    this.#timer.unref()
  }

  /** Resolves when it is handled. */
  pass(stanza: Stanza, transit: Transit): Promise<void> {
    return new Promise((resolve, reject) => {
      const letter = { id: randomUUID(), stanza, transit, at: performance.now(), resolve, reject }
      this.#letters.push(letter)
      if (!this.#moving) this.#post(letter)
    })
  }

  /** The owner has done it. False: it is not one of these. */
  done(id: string): boolean {
    const index = this.#letters.findIndex(letter => letter.id === id)
    if (index < 0) return false
    this.#letters.splice(index, 1)[0]!.resolve()
    this.#moves = 0
    if (this.#letters.length === 0 && !this.#moving) this.#end()
    return true
  }

  #post(letter: Letter): void {
    const node = this.#node
    this.#parts.post(node, letter).then(
      heard => {
        if (!heard && node === this.#node) this.#move(node)
      },
      () => undefined, // Redis is away: the timer comes back to it.
    )
  }

  #check(): void {
    const oldest = this.#letters[0]
    if (oldest && performance.now() - oldest.at > PATIENCE * (this.#moves + 1)) this.#move(undefined)
  }

  #move(gone: string | undefined): void {
    if (this.#moving) return
    this.#moving = true
    this.#again(gone)
      .catch((error: Error) => this.#giveUp(error))
      .finally(() => {
        this.#moving = false
        if (this.#letters.length === 0) this.#end()
      })
  }

  async #again(gone: string | undefined): Promise<void> {
    if (++this.#moves > MOVES) throw new StanzaError('remote-server-timeout')
    this.#node = await this.#parts.ask(gone)
    if (!this.#parts.isHere(this.#node)) {
      for (const letter of this.#letters) this.#post(letter)
      return
    }
    for (let letter = this.#letters[0]; letter; letter = this.#letters[0]) {
      await this.#parts.handle(letter.stanza, letter.transit)
      this.#letters.shift()
      letter.resolve()
    }
  }

  #giveUp(error: Error): void {
    for (const { reject } of this.#letters.splice(0)) reject(error)
  }

  #end(): void {
    clearInterval(this.#timer)
    this.#parts.empty()
  }
}
