/** The server's side of MSNP lines: written apart from the adapter's. */
export interface Line {
  readonly words: readonly string[]
  readonly body: string
}

/** What clients send with a body. */
const BODIES = ['MSG', 'UUX', 'QRY']

export function* lines(state: { rest: Buffer }, chunk: Buffer): Generator<Line> {
  state.rest = Buffer.concat([state.rest, chunk])
  for (;;) {
    const end = state.rest.indexOf('\r\n')
    if (end < 0) return
    const words = state.rest.subarray(0, end).toString('latin1').split(' ')
    if (words.some(word => word === '' || /[^\x21-\x7e]/.test(word)))
      throw new Error(`No line: ${JSON.stringify(words)}`)
    const length = BODIES.includes(words[0] as string) ? Number(words.at(-1)) : 0
    if (state.rest.length < end + 2 + length) return
    const body = state.rest.subarray(end + 2, end + 2 + length).toString('utf8')
    state.rest = state.rest.subarray(end + 2 + length)
    yield { words, body }
  }
}

export const line = (...words: (string | number)[]) => Buffer.from(`${words.join(' ')}\r\n`)

export function lineWith(body: string, ...words: (string | number)[]): Buffer {
  const bytes = Buffer.from(body)
  return Buffer.concat([line(...words, bytes.length), bytes])
}
