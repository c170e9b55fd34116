import { type Ack, type AdapterClock, AdapterError, type Event, Once, type Outgoing, type Place } from '@parley/adapter'
import { failureOf } from './failures.ts'
import { heard, linesOf, spoken } from './formatting.ts'
import type { Line } from './message.ts'
import { canonical, isChannel } from './names.ts'
import type { Wire } from './wire.ts'

const ANSWER = 15_000
/** How long after it was written a message may be refused, where the server does not say which one it means. */
const REFUSED_WITHIN = 30_000
const REMEMBERED = 64
/** The least time between two signs that somebody is typing (IRCv3, client tag `typing`). */
const TYPING = 3000
/** Bytes of a line without tags, its end left out. */
const LINE = 510

export interface TalkOptions {
  readonly wire: Wire
  readonly clock: AdapterClock
  readonly capabilities: ReadonlySet<string>
  /** Our own address as others see it, or what may be its length. */
  source(): string
  nick(): string
  key(name: string): string
  emit(event: Event): void
}

/** What is said, both ways. */
export class Talk {
  readonly #options: TalkOptions
  readonly #once = new Once()
  readonly #sent: { readonly target: string; readonly key: string; readonly until: number }[] = []
  /** Batches that answer a label, by their reference. */
  readonly #batches = new Map<string, string>()
  readonly #typed = new Map<string, number>()
  readonly #echoes: boolean
  readonly #labels: boolean
  readonly #tags: boolean
  #label = 0

  constructor(options: TalkOptions) {
    const { capabilities } = options
    this.#options = options
    this.#tags = capabilities.has('message-tags')
    this.#echoes = capabilities.has('echo-message')
    this.#labels = this.#echoes && capabilities.has('labeled-response') && capabilities.has('batch')
  }

  send(message: Outgoing): Promise<Ack> {
    return this.#once.run(message.key, () => this.#send(message))
  }

  typing(to: Place, state: 'composing' | 'paused' | 'gone'): void {
    const { wire, clock } = this.#options
    const target = to.nick ?? to.peer
    const now = clock.now()
    if (!this.#tags || !wire.pace.free) return
    if (state === 'composing') {
      if (now - (this.#typed.get(target) ?? 0) < TYPING) return
      if (this.#typed.size >= REMEMBERED) this.#typed.clear()
      this.#typed.set(target, now)
    } else this.#typed.delete(target)
    const value = { composing: 'active', paused: 'paused', gone: 'done' }[state]
    wire.send('TAGMSG', [target], { '+typing': value })
  }

  async #send({ key, to, text, replyTo }: Outgoing): Promise<Ack> {
    const target = to.nick ?? to.peer
    const room = LINE - Buffer.byteLength(`:${this.#options.source()} PRIVMSG ${target} :\x01ACTION \x01`)
    const acks = linesOf(text, Math.max(100, room)).map((line, index) =>
      this.#say(key, target, line, this.#tags && replyTo && index === 0 ? { '+draft/reply': replyTo } : {}),
    )
    if (acks.length === 0) throw new AdapterError('unsupported', 'There is nothing in this message')
    const [first] = await Promise.all(acks)
    return first!
  }

  async #say(key: string, target: string, line: string, tags: Readonly<Record<string, string>>): Promise<Ack> {
    const { wire, clock, nick, emit } = this.#options
    const text = spoken(line)
    if (!this.#echoes) {
      await new Promise<void>(written => wire.send('PRIVMSG', [target, text], tags, written))
      this.#sent.push({ target: this.#options.key(target), key, until: clock.now() + REFUSED_WITHIN })
      if (this.#sent.length > REMEMBERED) this.#sent.shift()
      // Rooms show what was said when it comes back; this server sends nothing back.
      if (isChannel(target)) emit({ type: 'message', peer: target, nick: nick(), text: line, origin: 'self-echo' })
      return { level: 'sent' }
    }
    const label = this.#labels ? `p${++this.#label}` : undefined
    let answer: Promise<Ack> | undefined
    await new Promise<void>((written, failed) => {
      wire.send('PRIVMSG', [target, text], { ...tags, ...(label && { label }) }, () => {
        answer = this.#answer(target, label)
        answer.catch(failed)
        written()
      })
    })
    return await answer!
  }

  /** The echo, or the refusal. Where nothing comes, the message has been sent, and more is not known. */
  async #answer(target: string, label: string | undefined): Promise<Ack> {
    const { wire, key, nick } = this.#options
    const own = (line: Line) => key(line.nick) === key(nick()) && key(line.params[0] ?? '') === key(target)
    const mine = (line: Line) =>
      label === undefined ? line.tags.get('label') === undefined : this.#labelOf(line) === label
    try {
      return await wire.wait(ANSWER, 'no answer', line => {
        if (!mine(line)) return undefined
        const failure = failureOf(line)
        if (failure && (label !== undefined || key(line.params[1] ?? '') === key(target))) throw failure
        if (line.command === 'ACK' && label !== undefined) return { level: 'sent' }
        if (line.command !== 'PRIVMSG' || !own(line)) return undefined
        this.#echo(line)
        const id = line.tags.get('msgid')
        const at = timeOf(line)
        return { level: 'sent', ...(id && { id }), ...(at && { at }) }
      })
    } catch (error) {
      if (error instanceof AdapterError && error.message === 'no answer') return { level: 'sent' }
      throw error
    }
  }

  #labelOf(line: Line): string | undefined {
    return line.tags.get('label') ?? this.#batches.get(line.tags.get('batch') ?? '')
  }

  /** Before anybody else reads it: which label a batch answers. */
  note(line: Line): void {
    const [reference = '', type] = line.params
    const label = line.tags.get('label')
    if (line.command !== 'BATCH') return
    if (reference.startsWith('+') && type === 'labeled-response' && label !== undefined) {
      if (this.#batches.size >= REMEMBERED) this.#batches.clear()
      this.#batches.set(reference.slice(1), label)
    }
  }

  read(line: Line): void {
    switch (line.command) {
      case 'PRIVMSG':
      case 'NOTICE':
        this.#heard(line, this.#isOwn(line) ? 'self-elsewhere' : 'remote')
        break
      case 'TAGMSG':
        this.#tagged(line)
        break
      case 'BATCH':
        if (line.params[0]?.startsWith('-')) this.#batches.delete(line.params[0].slice(1))
        break
      default: {
        const error = failureOf(line)
        if (error) this.#bounced(this.#options.key(line.params[1] ?? ''), error)
      }
    }
  }

  #isOwn(line: Line): boolean {
    return this.#options.key(line.nick) === this.#options.key(this.#options.nick())
  }

  #echo(line: Line): void {
    this.#heard(line, 'self-echo')
  }

  #heard(line: Line, origin: 'remote' | 'self-elsewhere' | 'self-echo'): void {
    const { emit } = this.#options
    const text = heard(line.params[1] ?? '')
    if (!text?.trim()) return
    if (line.command === 'NOTICE' && !line.source.includes('!')) {
      emit({ type: 'notice', text })
      return
    }
    const place = this.#place(line)
    // Programs between a user and the network, such as `*status`, have names that no user has.
    if (canonical(place.peer) === undefined) {
      emit({ type: 'notice', text: `${place.peer}: ${text}` })
      return
    }
    const id = line.tags.get('msgid')
    const at = timeOf(line)
    const replyTo = line.tags.get('+reply') ?? line.tags.get('+draft/reply')
    const more = { ...(id && { id }), ...(at && { at }), ...(replyTo && { replyTo }) }
    emit({ type: 'message', ...place, text, origin, ...more })
  }

  /** Where it was said: in a channel (also to some of it, `@#channel`), or by somebody. */
  #place(line: Line): Place {
    const { key } = this.#options
    const target = (line.params[0] ?? '').replace(/^[~&@%+](?=[#&+!])/, '')
    if (isChannel(target)) return { peer: key(target), nick: line.nick }
    return { peer: key(this.#isOwn(line) ? target : line.nick) }
  }

  #tagged(line: Line): void {
    const value = line.tags.get('+typing')
    const state = ({ active: 'composing', paused: 'paused', done: 'gone' } as const)[value ?? '']
    if (state && !this.#isOwn(line)) this.#options.emit({ type: 'typing', state, ...this.#place(line) })
  }

  /** A refusal that names only the target: of the oldest message to it. */
  #bounced(target: string, error: AdapterError): void {
    const now = this.#options.clock.now()
    const index = this.#sent.findIndex(sent => sent.target === target && sent.until > now)
    if (index === -1) return
    const [sent] = this.#sent.splice(index, 1)
    this.#options.emit({ type: 'bounced', key: sent!.key, error })
  }
}

function timeOf(line: Line): number | undefined {
  const time = Date.parse(line.tags.get('time') ?? '')
  return Number.isNaN(time) ? undefined : time
}
