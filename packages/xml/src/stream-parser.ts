import type { Element } from './element.ts'
import { illFormed, overLimit } from './errors.ts'
import { DEFAULT_LIMITS, type ParserLimits } from './limits.ts'
import type { Tag } from './tag.ts'
import { Tokenizer } from './tokenizer.ts'
import { TreeBuilder } from './tree.ts'
import { Utf8Decoder } from './utf8.ts'

export interface ParserEvents {
  /** The stream header, without children; `contentNs` is the default namespace that it declares ('' if none). */
  opened(root: Element, contentNs: string): void
  /** A complete first-level child. */
  stanza(element: Element): void
  /** The stream's end tag; what follows is ignored. */
  closed(): void
}

export interface ParserOptions {
  limits?: Partial<ParserLimits>
  /** Namespace → namespace, applied to elements: `jabber:server` → `jabber:client`. */
  aliases?: { readonly [namespace: string]: string }
  /** Deep-freezes every stanza, so that tests find who changes a shared one. */
  freeze?: boolean
}

/** A chunk is read in pieces of this size, so that little is read in vain when a limit is passed. */
const PIECE = 16_384
const NO_ALIASES: ReadonlyMap<string, string> = new Map()

/**
 * One direction of an XMPP stream: bytes in, events out, synchronously. Every method may be called from inside an
 * event. Text of a stanza may share memory with the chunk that it came in: copy what is kept for long.
 */
export class StreamParser {
  readonly #events: ParserEvents
  readonly #decoder = new Utf8Decoder()
  readonly #tree: TreeBuilder
  readonly #tokenizer: Tokenizer
  #limits: ParserLimits
  #state: 'live' | 'paused' | 'over' = 'live'
  /** Whether a chunk is being read, and whether its rest belongs to a new stream. */
  #reading = false
  #restart = false
  /** Text taken back from the tokenizer, to be read later. */
  #held = ''
  /** Bytes of the current stanza in earlier chunks, and where it begins in this one. */
  #pending = 0
  #mark = 0
  #ascii = true

  constructor(events: ParserEvents, options: ParserOptions = {}) {
    this.#events = events
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    const aliases = options.aliases ? new Map(Object.entries(options.aliases)) : NO_ALIASES
    this.#tree = new TreeBuilder({ aliases, freeze: options.freeze ?? false })
    this.#tokenizer = new Tokenizer({
      open: tag => this.#open(tag),
      text: text => this.#text(text),
      close: tag => this.#close(tag),
      maxAttributes: () => this.#limits.maxAttributes,
    })
  }

  /** @throws XmlStreamError where the stream must end; the parser ignores everything afterwards */
  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && this.#state !== 'over'; at += PIECE) {
      const piece = bytes.length <= PIECE ? bytes : bytes.subarray(at, at + PIECE)
      if (this.#betweenStanzas && isBlank(piece)) continue
      this.#guarded(() => {
        const text = this.#decoder.decode(piece)
        this.#ascii = this.#held === '' && this.#decoder.ascii
        this.#held += text
        if (this.#state === 'paused') this.#requireSize(Buffer.byteLength(this.#held))
        this.#readHeld()
      })
    }
  }

  /** Whether part of a stanza has been read, and its end has not. */
  get unfinished(): boolean {
    return this.#state === 'live' && this.#tree.depth > 0 && !this.#betweenStanzas
  }

  /** Ends reading for good, also of what follows in this chunk: nothing more is reported until {@link reset}. */
  stop(): void {
    this.#state = 'over'
    this.#takeRest()
    this.#held = ''
  }

  /** Holds what follows back until {@link resume}. The caller should stop reading: what is held is limited, too. */
  pause(): void {
    if (this.#state !== 'live') return
    this.#state = 'paused'
    this.#takeRest()
  }

  /** @throws XmlStreamError as {@link write} does */
  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'live'
    this.#ascii = false
    if (!this.#reading) this.#guarded(() => this.#readHeld())
  }

  /** What follows, in this chunk or the next, is a new stream (stream restart). */
  reset(): void {
    this.#takeRest()
    if (this.#state === 'over') {
      this.#state = 'live'
      this.#decoder.reset()
    }
    if (this.#reading) this.#restart = true
    else this.#beginStream()
  }

  setLimits(limits: Partial<ParserLimits>): void {
    this.#limits = { ...this.#limits, ...limits }
  }

  get #betweenStanzas(): boolean {
    return (
      this.#tree.depth === 1 &&
      this.#pending === 0 &&
      this.#state === 'live' &&
      !this.#decoder.hasTail &&
      this.#tokenizer.inText
    )
  }

  #guarded(read: () => void): void {
    try {
      read()
    } catch (error) {
      this.stop()
      throw error
    }
  }

  #readHeld(): void {
    while (this.#held !== '' && this.#state === 'live') {
      const text = this.#held
      this.#held = ''
      this.#read(text)
      if (!this.#restart) continue
      this.#restart = false
      this.#beginStream()
    }
  }

  #read(text: string): void {
    const tokenizer = this.#tokenizer
    // A carried CR stands before the chunk and has been counted already.
    this.#mark = tokenizer.carriedFromPrevious === undefined ? 0 : 1
    this.#reading = true
    try {
      tokenizer.write(text)
    } finally {
      this.#reading = false
    }
    if (this.#restart || this.#state !== 'live') return
    this.#pending += this.#bytesTo(tokenizer.chunk.length) + (tokenizer.carriedFromPrevious === undefined ? 0 : 1)
    if (this.#tree.depth === 1 && tokenizer.inText) this.#dropBlank()
    this.#requireSize(this.#pending)
  }

  /** White space between stanzas keeps connections alive (RFC 6120 §4.6.1), and must not pile up. */
  #dropBlank(): void {
    requireBlank(this.#tokenizer.text)
    this.#tokenizer.text = ''
    this.#pending = 0
  }

  #beginStream(): void {
    this.#tokenizer._init()
    this.#tree.reset()
    this.#pending = 0
  }

  #takeRest(): void {
    if (!this.#reading) return
    this.#held = this.#tokenizer.takeRest() + this.#held
    this.#mark = this.#tokenizer.chunk.length
  }

  #open(tag: Tag): void {
    this.#tree.open(this.#limits)
    if (this.#tree.depth > 1) return
    this.#boundary()
    this.#events.opened(this.#tree.element(tag), tag.defaultNs)
  }

  #text(text: string): void {
    if (this.#tree.depth > 1) {
      this.#tree.text(text)
    } else if (this.#tree.depth === 1) {
      requireBlank(text)
      this.#pending = 0
      this.#mark = this.#tokenizer.i - 1
    }
  }

  #close(tag: Tag): void {
    const element = this.#tree.close(tag)
    if (this.#tree.depth > 1) {
      this.#tree.add(element)
    } else if (this.#tree.depth === 1) {
      this.#boundary()
      this.#events.stanza(element)
    } else if (!this.#restart && this.#state !== 'over') {
      this.stop()
      this.#events.closed()
    }
  }

  /** A stanza, or the stream header, is complete. */
  #boundary(): void {
    this.#requireSize(this.#pending + this.#bytesTo(this.#tokenizer.i))
    this.#pending = 0
    this.#mark = this.#tokenizer.i
    this.#tree.elements = 0
  }

  #bytesTo(end: number): number {
    return this.#ascii ? end - this.#mark : Buffer.byteLength(this.#tokenizer.chunk.slice(this.#mark, end))
  }

  #requireSize(bytes: number): void {
    if (bytes > this.#limits.maxStanzaBytes) throw overLimit('bytes in one stanza', this.#limits.maxStanzaBytes)
  }
}

function requireBlank(text: string): void {
  for (let i = 0; i < text.length; i++) {
    if (!isBlankCode(text.charCodeAt(i))) throw illFormed('text between stanzas')
  }
}

function isBlank(bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) if (!isBlankCode(bytes[i]!)) return false
  return true
}

function isBlankCode(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}
