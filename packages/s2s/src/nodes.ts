import { parseStanza } from '@parley/stanza'
import { isPromise, type Server } from '@xmpp/server-core'
import { Entry } from './entry.ts'
import type { Letter } from './passage.ts'

/** What nodes say to each other: a stanza for a link of yours; I have all up to here; I miss something; it is not my link. */
const LETTER = 's2s'
const HAD = 's2s had'
const AGAIN = 's2s again'
const LEFT = 's2s left'
/** So long (ms) what has come is collected before it is confirmed. */
const CONFIRM = 20

export interface NodesParts {
  /** A stanza that another node passes on. False: this node does not have the link. */
  take(way: string, entry: Entry): boolean
  had(way: string, from: string, n: number): void
  again(way: string, from: string): void
  left(way: string, from: string): void
}

/** The talk between nodes about stanzas that one of them has and another one sends. */
export class Nodes {
  readonly #server: Server
  readonly #parts: NodesParts
  /** The number of the last letter of each node and way. */
  readonly #last = new Map<string, Map<string, number>>()
  readonly #unsaid = new Map<string, Map<string, number>>()
  #timer: NodeJS.Timeout | undefined

  constructor(server: Server, parts: NodesParts) {
    this.#server = server
    this.#parts = parts
    server.hear(LETTER, (text, from) => this.#read(text, from))
    server.hear(HAD, (text, from) => {
      const [way = '', n] = text.split('\n')
      parts.had(way, from, Number(n))
    })
    server.hear(AGAIN, (way, from) => parts.again(way, from))
    server.hear(LEFT, (way, from) => parts.left(way, from))
  }

  async post(node: string, way: string, { n, entry: { id, xml } }: Letter, before: number): Promise<boolean> {
    return this.#server.live.post(node, LETTER, `${way}\n${before}\n${n}\n${id ?? ''}\n${xml}`)
  }

  /** What was heard from nodes that are not there any more is of no use. */
  forget(nodes: ReadonlySet<string>): void {
    for (const node of this.#last.keys()) if (!nodes.has(node)) this.#last.delete(node)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #read(text: string, from: string): void {
    // After a long sleep others may have the link: who posts it keeps it until it is confirmed, and asks again.
    if (!this.#server.usable) return
    const a = text.indexOf('\n')
    const b = text.indexOf('\n', a + 1)
    const c = text.indexOf('\n', b + 1)
    const d = text.indexOf('\n', c + 1)
    const way = text.slice(0, a)
    const [before, n] = [Number(text.slice(a + 1, b)), Number(text.slice(b + 1, c))]
    const known = this.#lastOf(from)
    const last = known.get(way)
    if (last !== undefined && n <= last) {
      this.#confirm(from, way, last)
      return
    }
    if (before !== 0 && before !== last) {
      this.#say(from, AGAIN, way)
      return
    }
    const id = c + 1 === d ? undefined : BigInt(text.slice(c + 1, d))
    const xml = text.slice(d + 1)
    if (!this.#parts.take(way, new Entry(parseStanza(xml), id, xml))) {
      this.#say(from, LEFT, way)
      return
    }
    known.set(way, n)
    this.#confirm(from, way, n)
  }

  #lastOf(node: string): Map<string, number> {
    const known = this.#last.get(node) ?? new Map<string, number>()
    this.#last.set(node, known)
    return known
  }

  #confirm(node: string, way: string, n: number): void {
    const unsaid = this.#unsaid.get(node) ?? new Map<string, number>()
    this.#unsaid.set(node, unsaid.set(way, n))
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const all = [...this.#unsaid]
      this.#unsaid.clear()
      for (const [to, ways] of all) for (const [each, up] of ways) this.#say(to, HAD, `${each}\n${up}`)
    }, CONFIRM)
  }

  #say(node: string, topic: string, text: string): void {
    const said = this.#server.live.post(node, topic, text)
    // Redis is away: who waits for it asks again.
    if (isPromise(said)) said.catch(() => undefined)
  }
}
