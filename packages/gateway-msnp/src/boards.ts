import { AdapterError } from '@parley/adapter'
import { Board, type BoardEars } from './board.ts'
import type { Place } from './place.ts'

const MOST = 200

/** One conversation for each contact: opened when something is to be said, or when the contact calls. */
export class Boards {
  readonly #calling = new Map<string, Promise<Board>>()
  readonly #open = new Map<string, Board>()
  readonly #all = new Set<Board>()
  readonly #ears: BoardEars
  readonly #ask: () => Promise<Place>
  #over = false

  /** @param ask gets a place for a conversation that we begin */
  constructor(ears: Omit<BoardEars, 'opened' | 'closed'>, ask: () => Promise<Place>) {
    this.#ears = {
      ...ears,
      opened: board => {
        this.#all.add(board)
        if (this.#over) board.close()
      },
      closed: board => {
        this.#all.delete(board)
        if (this.#open.get(board.peer) === board) this.#open.delete(board.peer)
      },
    }
    this.#ask = ask
  }

  /** The conversation with a contact; what is said while it rings waits for it. */
  to(peer: string): Promise<Board> {
    const open = this.#open.get(peer)
    if (open && !open.over) return Promise.resolve(open)
    const calling = this.#calling.get(peer)
    if (calling) return calling
    const call = this.#call(peer).finally(() => this.#calling.delete(peer))
    this.#calling.set(peer, call)
    return call
  }

  /** A conversation that is open already. */
  now(peer: string): Board | undefined {
    return this.#open.get(peer)
  }

  async rung(peer: string, place: Place, session: string): Promise<void> {
    if (this.#over || this.#all.size >= MOST) return
    this.#keep(await Board.answer(peer, place, session, this.#ears))
  }

  close(): void {
    this.#over = true
    for (const board of [...this.#all]) board.close()
  }

  async #call(peer: string): Promise<Board> {
    if (this.#all.size >= MOST) throw new AdapterError('limited', 'Too many conversations are open', 60_000)
    const place = await this.#ask()
    const board = await Board.call(peer, place, this.#ears)
    this.#keep(board)
    return board
  }

  #keep(board: Board): void {
    if (!board.over) this.#open.set(board.peer, board)
  }
}
