/** Names of one letter (RFC 3261 §7.3.3, and the packages that have added some). */
const COMPACT: ReadonlyMap<string, string> = new Map([
  ['b', 'referred-by'],
  ['c', 'content-type'],
  ['e', 'content-encoding'],
  ['f', 'from'],
  ['i', 'call-id'],
  ['k', 'supported'],
  ['l', 'content-length'],
  ['m', 'contact'],
  ['o', 'event'],
  ['r', 'refer-to'],
  ['s', 'subject'],
  ['t', 'to'],
  ['u', 'allow-events'],
  ['v', 'via'],
])
const WRITTEN: ReadonlyMap<string, string> = new Map([
  ['call-id', 'Call-ID'],
  ['cseq', 'CSeq'],
  ['mime-version', 'MIME-Version'],
  ['sip-etag', 'SIP-ETag'],
  ['sip-if-match', 'SIP-If-Match'],
  ['www-authenticate', 'WWW-Authenticate'],
])

export const headerName = (name: string) => COMPACT.get(name.toLowerCase()) ?? name.toLowerCase()

/** The headers of a message in their order, by lower-case long names. */
export class Headers {
  readonly #all: (readonly [name: string, value: string])[]

  constructor(all: Iterable<readonly [name: string, value: string | number | undefined]> = []) {
    this.#all = []
    for (const [name, value] of all) this.add(name, value)
  }

  /** A value that is undefined adds nothing. */
  add(name: string, value: string | number | undefined): void {
    if (value !== undefined) this.#all.push([headerName(name), String(value)])
  }

  /** Puts it before all others of that name. */
  push(name: string, value: string): void {
    this.#all.unshift([headerName(name), value])
  }

  /** In place of those of that name. */
  set(name: string, value: string | number): void {
    const at = this.#all.findIndex(([has]) => has === name)
    this.delete(name)
    this.#all.splice(at === -1 ? this.#all.length : at, 0, [name, String(value)])
  }

  delete(name: string): void {
    for (let i = this.#all.length - 1; i >= 0; i--) if (this.#all[i]![0] === name) this.#all.splice(i, 1)
  }

  get(name: string): string | undefined {
    return this.#all.find(([has]) => has === name)?.[1]
  }

  /** How many lines there are of that name. */
  count(name: string): number {
    return this.#all.filter(([has]) => has === name).length
  }

  lines(name: string): string[] {
    return this.#all.filter(([has]) => has === name).map(([, value]) => value)
  }

  /** What is in all lines of that name, cut at commas: for those headers that are lists. */
  list(name: string): string[] {
    return this.#all.flatMap(([has, value]) => (has === name ? cut(value, ',') : [])).filter(value => value !== '')
  }

  copy(): Headers {
    return new Headers(this.#all)
  }

  /**
   * One header a line. A line break within a value would begin a header of somebody else's making (threat 153), so it
   * becomes a space.
   */
  toString(): string {
    let text = ''
    for (const [name, value] of this.#all)
      text += `${WRITTEN.get(name) ?? capitals(name)}: ${value.replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, ' ')}\r\n`
    return text
  }
}

function capitals(name: string): string {
  return name.replace(/(^|-)([a-z])/g, letter => letter.toUpperCase())
}

/** The pieces between a separator that is neither quoted nor between angle brackets. */
export function cut(text: string, separator: string): string[] {
  const pieces: string[] = []
  let start = 0
  let quoted = false
  let angle = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (quoted) {
      if (c === '\\') i++
      else if (c === '"') quoted = false
    } else if (c === '"') quoted = true
    else if (c === '<') angle = true
    else if (c === '>') angle = false
    else if (c === separator && !angle) {
      pieces.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  pieces.push(text.slice(start).trim())
  return pieces
}
