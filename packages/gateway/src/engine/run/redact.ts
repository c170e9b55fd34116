/** In place of a secret. */
const HIDDEN = '[secret]'
/** Shorter ones are part of everything: lines that hold them as a word are hidden as a whole. */
const SHORT = 4
/** Levels, and entries of one level, of what is said about a line. */
const DEPTH = 4
const ENTRIES = 30
const LONGEST = 2000

type About = Readonly<Record<string, unknown>>

/** Takes secrets out of what is logged, in the spellings in which they travel: as they are, in URLs, JSON, base64 and hexadecimal digits. */
export class Redactor {
  readonly #secrets = new Set<string>()
  readonly #short = new Set<string>()

  learn(secret: string): void {
    if (secret.length >= SHORT) this.#secrets.add(secret)
    else if (secret !== '') this.#short.add(secret)
  }

  text(text: string): string {
    let shown = text
    for (const spelling of this.#spellings()) if (shown.includes(spelling)) shown = shown.replaceAll(spelling, HIDDEN)
    if (this.#short.size > 0 && this.#short.has(shown.trim())) return HIDDEN
    for (const secret of this.#short) if (new RegExp(`(?<![\\w])${escaped(secret)}(?![\\w])`).test(shown)) return HIDDEN
    return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown
  }

  /** What is said with a line: plain values of a few levels. A secret that is spread over several of them hides them all. */
  about(about: About | undefined): About | undefined {
    if (!about) return undefined
    const leaves: string[] = []
    const shown = this.#shown(about, leaves, DEPTH) as About
    const joined = leaves.join('')
    for (const spelling of this.#spellings()) if (joined.includes(spelling)) return { hidden: HIDDEN }
    return shown
  }

  /** Made anew for each line: there are thousands of sessions, and few of them say anything. */
  *#spellings(): Generator<string> {
    for (const secret of this.#secrets)
      for (const spelling of spellingsOf(secret)) if (spelling.length >= SHORT) yield spelling
  }

  #shown(value: unknown, leaves: string[], depth: number): unknown {
    if (value instanceof Error) return this.#shown(value.message, leaves, depth)
    if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) {
      if (typeof value === 'number') leaves.push(String(value))
      return value
    }
    if (typeof value === 'object') {
      if (depth === 0 || ArrayBuffer.isView(value)) return '…'
      if (Array.isArray(value)) return value.slice(0, ENTRIES).map(each => this.#shown(each, leaves, depth - 1))
      return Object.fromEntries(
        Object.entries(value)
          .slice(0, ENTRIES)
          .map(([key, each]) => [this.text(key), this.#shown(each, leaves, depth - 1)]),
      )
    }
    const text = this.text(String(value))
    leaves.push(text)
    return text
  }
}

function spellingsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, 'utf8')
  const hex = bytes.toString('hex')
  // Inside of something longer, base64 begins at one of three places; the characters at the edges depend on the neighbours.
  const base64 = [0, 1, 2].flatMap(before => {
    const inner = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const begin = before === 0 ? 0 : before + 1
    const end = (before + bytes.length) % 3 === 0 ? inner.length : inner.length - 1
    const core = inner.slice(begin, end)
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const latin1 = Buffer.from(secret, 'latin1').toString('latin1')
  return [
    ...[secret, secret.toLowerCase(), secret.toUpperCase(), latin1, encodeURIComponent(plain(secret))],
    ...[new URLSearchParams([['', secret]]).toString().slice(1), JSON.stringify(secret).slice(1, -1)],
    ...[hex, hex.toUpperCase(), [...secret].reverse().join(''), ...base64],
  ]
}

/** `encodeURIComponent` throws for halves of characters. */
function plain(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
