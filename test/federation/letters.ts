import { setInterval } from 'node:timers/promises'
import { el } from '@parley/xml'
import type { Server } from './peers/peer.ts'
import { Person } from './person.ts'

const ARCHIVE = 'urn:xmpp:mam:2'
const RESULTS = 'http://jabber.org/protocol/rsm'
/** Milliseconds between two letters. */
const PACE = 20

/** Somebody who writes numbered letters to one person of another server, and is told when these are handled (XEP-0198). */
export class Writer {
  readonly person: Person
  readonly to: string
  written = 0

  private constructor(person: Person, to: string) {
    this.person = person
    this.to = to
  }

  static async join(server: Server, name: string, to: string): Promise<Writer> {
    const person = await Person.join(server, name)
    await person.appears()
    await person.counts()
    return new Writer(person, to)
  }

  writes(): void {
    const n = ++this.written
    this.person.sends`<message to="${this.to}" type="chat" id="${n}"><body>${n}</body></message>`
    this.person.sends`<r xmlns="urn:xmpp:sm:3"/>`
  }

  /** Letters that came back, in the order in which they did. */
  get returned(): number[] {
    return this.person.returned(this.to).map(Number)
  }
}

/** Whoever gets the letters of one writer. What their archive has is what their server has taken, whoever is at home. */
export class Reader {
  readonly person: Person
  readonly writer: Writer
  /** Letters in the archive, oldest first, as far as it was read. */
  readonly archived: number[] = []
  #last = ''
  #queries = 0

  private constructor(person: Person, writer: Writer) {
    this.person = person
    this.writer = writer
  }

  static async join(server: Server, writer: Writer): Promise<Reader> {
    const person = await Person.join(server, writer.to.replace(/@.*/, ''))
    await person.appears()
    return new Reader(person, writer)
  }

  /** How many letters have come to this person at home. */
  get heard(): number {
    return this.person.said(this.writer.person.jid).length
  }

  /** For whoever wonders what became of some. */
  toString(): string {
    const { returned, written, person } = this.writer
    return `${person} wrote ${written}, of which ${person.acknowledged} were answered for
delivered: ${this.archived.join(' ')}
returned: ${returned.join(' ')}`
  }

  /** Reads on in the archive, to its end. */
  async reads(): Promise<void> {
    for (;;) {
      const { person } = this
      const query = `read-${++this.#queries}`
      const after = this.#last !== '' && el('after', RESULTS, null, this.#last)
      const page = el('set', RESULTS, null, el('max', RESULTS, null, 50), after)
      const done =
        await person.asks`<iq type="set" to="${person.bare}"><query xmlns="${ARCHIVE}" queryid="${query}">${page}</query></iq>`
      this.archived.push(...person.results(person.bare, query).map(Number))
      const fin = done.child('fin', ARCHIVE)
      this.#last = fin?.child('set', RESULTS)?.textOf('last') ?? this.#last
      if (fin?.attrs['complete'] === 'true' || !fin) return
    }
  }
}

/** Everybody writes, one letter after another, until `act` is over. */
export async function whileWriting<T>(writers: readonly Writer[], act: () => Promise<T>): Promise<T> {
  const end = new AbortController()
  const writing = (async () => {
    for await (const _ of setInterval(PACE, undefined, { signal: end.signal }))
      for (const writer of writers) writer.writes()
  })().catch(() => {})
  try {
    return await act()
  } finally {
    end.abort()
    await writing
  }
}
