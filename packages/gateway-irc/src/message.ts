import { AdapterError } from '@parley/adapter'

/** One line of the protocol, read. The source is who it comes from: `nick!user@host`, or the name of a server. */
export interface Line {
  readonly tags: ReadonlyMap<string, string>
  readonly source: string
  readonly nick: string
  /** Upper-case letters, or three digits. */
  readonly command: string
  readonly params: readonly string[]
}

/** Bytes of a line with its tags: 8,191 and 512, and what servers add that count otherwise. */
export const LINE_BYTES = 16_384
const PARAMS = 30
const TAGS = 64
const NO_TAGS: ReadonlyMap<string, string> = new Map()
const UNESCAPED: Readonly<Record<string, string>> = { ':': ';', s: ' ', r: '\r', n: '\n', '\\': '\\' }
const ESCAPED: Readonly<Record<string, string>> = { ';': '\\:', ' ': '\\s', '\r': '\\r', '\n': '\\n', '\\': '\\\\' }
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** What is no UTF-8 is taken for Latin-1, which is what old clients send. */
export function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  }
}

/** Undefined: it is none. */
export function parseLine(text: string): Line | undefined {
  let at = 0
  const word = () => {
    const end = text.indexOf(' ', at)
    const found = text.slice(at, end === -1 ? text.length : end)
    at = end === -1 ? text.length : end + 1
    while (text[at] === ' ') at++
    return found
  }
  const tags = text[0] === '@' ? parseTags(word().slice(1)) : NO_TAGS
  const source = text[at] === ':' ? word().slice(1) : ''
  const command = word().toUpperCase()
  if (!/^(?:[A-Z]{1,32}|\d{3})$/.test(command)) return undefined
  const params: string[] = []
  while (at < text.length && params.length < PARAMS) {
    if (text[at] === ':') {
      params.push(text.slice(at + 1))
      break
    }
    params.push(word())
  }
  const mark = source.search(/[!@]/)
  return { tags, source, nick: mark === -1 ? source : source.slice(0, mark), command, params }
}

function parseTags(text: string): ReadonlyMap<string, string> {
  const tags = new Map<string, string>()
  for (const part of text.split(';', TAGS)) {
    const equals = part.indexOf('=')
    const name = equals === -1 ? part : part.slice(0, equals)
    const value = equals === -1 ? '' : part.slice(equals + 1)
    if (name)
      tags.set(
        name,
        value.replace(/\\(.?)/gs, (_, sign: string) => UNESCAPED[sign] ?? sign),
      )
  }
  return tags
}

/**
 * A line without its end. The last parameter may be anything but a line break; signs that would end the line or begin another one
 * (threat 152) are taken out of it. @throws AdapterError where another parameter would be read as two
 */
export function formatLine(
  command: string,
  params: readonly string[],
  tags: Readonly<Record<string, string>> = {},
): string {
  const prefix = Object.entries(tags)
    .map(([name, value]) => `${name}=${value.replace(/[; \r\n\\]/g, sign => ESCAPED[sign]!).replaceAll('\0', '')}`)
    .join(';')
  const words = params.map((param, index) => {
    const text = param.replace(/[\r\n\0]/g, '')
    const plain = text !== '' && !text.includes(' ') && !text.startsWith(':')
    if (index < params.length - 1 && (!plain || text !== param))
      throw new AdapterError('denied', 'That is no name on this network')
    return plain ? text : `:${text}`
  })
  return [...(prefix ? [`@${prefix}`] : []), command, ...words].join(' ')
}
