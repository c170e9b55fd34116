/** The server's side of YMSG packets, by "Yahoo Messenger Protocol v 9", §1: written apart from the adapter's. */
export interface Heard {
  readonly service: number
  readonly status: number
  readonly session: number
  /** In the order they came. */
  readonly pairs: readonly (readonly [string, string])[]
}

export type Pairs = readonly (readonly [number, string])[]

/** `loose`: the last mark is left out, as some servers do. */
export function packet(service: number, status: number, session: number, pairs: Pairs, loose = false): Uint8Array {
  let body = ''
  for (const [key, value] of pairs) body += `${key}\u00c0\u0080${Buffer.from(value).toString('latin1')}\u00c0\u0080`
  if (loose && body) body = body.slice(0, -2)
  const length = body.length
  const word = (n: number) => String.fromCharCode((n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255)
  const head = `YMSG\u000a\0\0\0${word(length).slice(2)}${word(service).slice(2)}${word(status)}${word(session)}`
  return Buffer.from(head + body, 'latin1')
}

export function* packets(bytes: { rest: string }, chunk: Buffer): Generator<Heard> {
  bytes.rest += chunk.toString('latin1')
  while (bytes.rest.length >= 20) {
    const number = (at: number, size: number) =>
      [...bytes.rest.slice(at, at + size)].reduce((sum, letter) => sum * 256 + letter.charCodeAt(0), 0)
    if (!bytes.rest.startsWith('YMSG\u000a\0\0\0')) throw new Error('That is no packet of version 10')
    const length = number(8, 2)
    if (bytes.rest.length < 20 + length) return
    const pieces = bytes.rest.slice(20, 20 + length).split('\u00c0\u0080')
    if (pieces.pop() !== '' || pieces.length % 2 === 1) throw new Error('A field does not end')
    const pairs: [string, string][] = []
    for (let i = 0; i < pieces.length; i += 2)
      pairs.push([pieces[i] as string, Buffer.from(pieces[i + 1] as string, 'latin1').toString('utf8')])
    yield { service: number(10, 2), status: number(12, 4), session: number(16, 4), pairs }
    bytes.rest = bytes.rest.slice(20 + length)
  }
}
