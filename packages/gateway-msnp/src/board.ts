import { AdapterError } from '@parley/adapter'
import type { Command } from './codec.ts'
import { canonical } from './id.ts'
import { Link } from './link.ts'
import { type Mime, parseMime } from './mime.ts'
import type { Place } from './place.ts'

/** How long a conversation stays where nobody says anything. */
const IDLE = 5 * 60_000
const RINGING = 30_000

export interface BoardEars {
  opened(board: Board): void
  said(peer: string, mime: Mime, board: Board): void
  /** Somebody else came too: this is a conference. */
  crowded(peer: string, who: string): void
  /** The contact has closed its window. */
  left(peer: string): void
  closed(board: Board): void
}

/** A switchboard: the conversation with one contact. */
export class Board {
  readonly peer: string
  readonly #ears: BoardEars
  readonly #place: Place
  #link!: Link
  #over = false
  #idle: () => void = () => undefined
  #joined: { resolve(): void; reject(error: Error): void } | undefined

  private constructor(peer: string, place: Place, ears: BoardEars) {
    this.peer = peer
    this.#place = place
    this.#ears = ears
  }

  /** Calls the contact, and resolves when it has come. */
  static async call(peer: string, place: Place, ears: BoardEars): Promise<Board> {
    const board = new Board(peer, place, ears)
    await board.#connect()
    try {
      await board.#link.ask('USR', [place.me, place.key])
      const joined = new Promise<void>((resolve, reject) => {
        board.#joined = { resolve, reject }
      })
      joined.catch(() => undefined)
      const cancel = place.clock.after(RINGING, () =>
        board.#gone(new AdapterError('transient', 'They have not answered')),
      )
      await board.#link.ask('CAL', [peer])
      await joined.finally(cancel)
    } catch (error) {
      board.close()
      throw error
    }
    return board
  }

  /** Answers the contact's call. */
  static async answer(peer: string, place: Place, session: string, ears: BoardEars): Promise<Board> {
    const board = new Board(peer, place, ears)
    await board.#connect()
    try {
      await board.#link.ask('ANS', [place.me, place.key, session])
    } catch (error) {
      board.close()
      throw error
    }
    return board
  }

  get over(): boolean {
    return this.#over
  }

  /** Resolves when it has arrived. */
  async say(mime: string): Promise<void> {
    this.#stir()
    const answer = await this.#link.ask('MSG', ['A'], { payload: mime, also: ['ACK', 'NAK'] })
    if (answer.name === 'NAK') throw new AdapterError('not-found', 'Messenger could not deliver the message')
  }

  /** Says what need not arrive. */
  hint(mime: string): void {
    this.#link.tell('MSG', [this.#link.number(), 'U'], mime)
  }

  close(): void {
    if (this.#over) return
    this.#link.tell('OUT')
    this.#gone(new AdapterError('transient', 'The conversation is over'))
  }

  async #connect(): Promise<void> {
    this.#link = new Link(await this.#place.connect(), this.#place.clock, {
      heard: command => this.#heard(command),
      ended: error => this.#gone(error),
    })
    this.#stir()
    this.#ears.opened(this)
  }

  #heard(command: Command): void {
    const who = canonical(command.args[command.name === 'IRO' ? 3 : 0] ?? '')
    switch (command.name) {
      case 'JOI':
      case 'IRO':
        if (who === this.peer) this.#joined?.resolve()
        else if (who !== undefined && who !== this.#place.me) this.#ears.crowded(this.peer, who)
        break
      case 'BYE':
        if (who === this.peer) {
          this.#ears.left(who)
          this.close()
        }
        break
      case 'MSG':
        this.#stir()
        if (who === this.peer && command.payload) this.#ears.said(who, parseMime(command.payload), this)
    }
  }

  #stir(): void {
    this.#idle()
    this.#idle = this.#place.clock.after(IDLE, () => this.close())
  }

  #gone(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#idle()
    this.#link.close(error)
    this.#joined?.reject(error)
    this.#ears.closed(this)
  }
}
