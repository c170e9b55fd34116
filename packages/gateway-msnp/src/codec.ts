import { AdapterError, LineReader } from '@parley/adapter'

/** A line, and the bytes that follow it where it ends with their number. */
export interface Command {
  /** Three letters; three digits for an error. */
  readonly name: string
  readonly args: readonly string[]
  readonly payload?: Buffer
}

/** Commands of a server whose last argument counts the bytes that follow. */
const WITH_PAYLOAD = new Set(['MSG', 'UBX', 'NOT', 'GCF', 'IPG', 'UBM', 'UBN', 'FQY', 'ADL', 'RML'])
const LINE = 8192
const PAYLOAD = 65_536

/** @throws AdapterError where an argument is no word: it would be another command */
export function encode(name: string, args: readonly (string | number)[], payload?: string): Buffer {
  const words = [name, ...args.map(String)]
  if (payload !== undefined) words.push(String(Buffer.byteLength(payload)))
  for (const word of words)
    if (!/^[\x21-\x7e]+$/.test(word)) throw new AdapterError('unsupported', 'Messenger cannot be told that')
  return Buffer.from(`${words.join(' ')}\r\n${payload ?? ''}`)
}

/** Cuts what arrives into commands. */
export class CommandReader {
  readonly #lines = new LineReader(LINE)
  #head: Command | undefined;

  /** @throws AdapterError where it is none, or too long */
  *read(chunk: Uint8Array): Generator<Command, void> {
    for (const piece of this.#lines.read(chunk)) {
      if (this.#head) {
        yield { ...this.#head, payload: Buffer.from(piece) }
        this.#head = undefined
        continue
      }
      const [name = '', ...args] = piece.toString('utf8').split(' ')
      if (piece.length === 0) continue
      if (!/^(?:[A-Z]{3}|\d{3})$/.test(name)) throw new AdapterError('protocol', 'That is no server of Messenger')
      const count = WITH_PAYLOAD.has(name) ? args.at(-1) : undefined
      const bytes = count !== undefined && /^\d{1,9}$/.test(count) ? Number(count) : 0
      if (bytes === 0) yield { name, args }
      else {
        this.#head = { name, args }
        this.#lines.expect(bytes, PAYLOAD)
      }
    }
  }
}

/** Names and the like within a line: UTF-8, percent-encoded. */
export function quote(text: string): string {
  let out = ''
  for (const byte of Buffer.from(text)) {
    const letter = String.fromCharCode(byte)
    out += /[A-Za-z0-9_.~-]/.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

/** What is not encoded well stays as it is. */
export function unquote(text: string): string {
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return /^[\0-\xff]*$/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : text
}
