import { type Ack, AdapterError, type Context, type Event } from '@parley/adapter'
import type { Board } from './board.ts'
import { Boards } from './boards.ts'
import { canonical } from './id.ts'
import { declineOf, fieldsOf, type Mime, NUDGE, textOf, typingOf } from './mime.ts'
import { type Place, placeOf } from './place.ts'

/** The other side forgets that somebody types unless it is told again. */
const TYPING_EVERY = 5000
const TYPING_MOST = 60_000

/** What is said to and by contacts. */
export class Talk {
  readonly #context: Context
  readonly #me: string
  readonly #boards: Boards
  readonly #emit: (event: Event) => void
  /** Contacts that have begun to write something. */
  readonly #composing = new Set<string>()
  readonly #typing = new Map<string, () => void>()

  constructor(context: Context, me: string, emit: (event: Event) => void, ask: () => Promise<Place>) {
    this.#context = context
    this.#me = me
    this.#emit = emit
    this.#boards = new Boards(
      {
        said: (peer, mime, board) => this.#said(peer, mime, board),
        left: peer => {
          if (this.#composing.delete(peer)) this.#emit({ type: 'typing', peer, state: 'gone' })
        },
        crowded: (peer, who) => this.#crowded(peer, who),
      },
      ask,
    )
  }

  async say(peer: string, text: string): Promise<Ack> {
    this.#rest(peer)
    await this.#deliver(peer, textOf(text))
    return { level: 'delivered' }
  }

  nudge(peer: string): Promise<void> {
    return this.#deliver(peer, NUDGE)
  }

  async typing(peer: string, on: boolean): Promise<void> {
    this.#rest(peer)
    if (!on) return
    const board = await this.#boards.to(peer)
    if (board.over) return
    const hint = () => board.hint(typingOf(this.#me))
    hint()
    const { clock } = this.#context
    const stops = [clock.every(TYPING_EVERY, hint), clock.after(TYPING_MOST, () => this.#rest(peer))]
    this.#rest(peer)
    this.#typing.set(peer, () => {
      for (const stop of stops) stop()
    })
  }

  /** `RNG session host:port CKI key anna@… Anna`: somebody calls. */
  rung(args: readonly string[]): void {
    const peer = canonical(args[4] ?? '')
    if (peer === undefined) return
    const place = placeOf(this.#context, this.#me, args[1], args[3])
    this.#boards.rung(peer, place, args[0] ?? '').catch((error: Error) => {
      this.#context.log.info('A conversation could not be taken', { reason: error.message })
    })
  }

  close(): void {
    for (const peer of [...this.#typing.keys()]) this.#rest(peer)
    this.#boards.close()
  }

  async #deliver(peer: string, mime: string): Promise<void> {
    const board = await this.#boards.to(peer)
    // It may have been closed while we waited; then it is called again, once.
    await (board.over ? await this.#boards.to(peer) : board).say(mime)
  }

  #rest(peer: string): void {
    this.#typing.get(peer)?.()
    this.#typing.delete(peer)
  }

  #said(peer: string, mime: Mime, board: Board): void {
    switch (mime.type) {
      case 'text/plain': {
        const text = mime.body.replace(/\r\n?/g, '\n').replaceAll('\0', '')
        this.#composing.delete(peer)
        if (text !== '') this.#emit({ type: 'message', peer, text, origin: 'remote' })
        break
      }
      case 'text/x-msmsgscontrol':
        if (!mime.headers.has('typinguser')) break
        this.#composing.add(peer)
        this.#emit({ type: 'typing', peer, state: 'composing' })
        break
      case 'text/x-msnmsgr-datacast':
        if (fieldsOf(mime.body).get('id') === '1') this.#emit({ type: 'attention', peer })
        break
      case 'text/x-msmsgsinvite':
        this.#decline(peer, fieldsOf(mime.body), board)
    }
  }

  #decline(peer: string, fields: ReadonlyMap<string, string>, board: Board): void {
    const cookie = fields.get('invitation-cookie') ?? ''
    if (fields.get('invitation-command')?.toUpperCase() !== 'INVITE' || !/^\d{1,10}$/.test(cookie)) return
    board.hint(declineOf(cookie))
    this.#emit({
      type: 'notice',
      text: `${peer} has offered a file or a call. That cannot be taken here, and ${peer} was told so.`,
    })
  }

  /** A conversation of more than two is left at once. */
  #crowded(peer: string, who: string): void {
    this.#boards.now(peer)?.close()
    this.#emit({
      type: 'notice',
      text: `${who} has joined the conversation with ${peer}. Conferences cannot be joined from here.`,
    })
  }
}

export const notOnline = () => new AdapterError('transient', 'Messenger is not connected')
