import { parseType } from '../wire/fields.ts'
import type { Request } from '../wire/message.ts'
import { COMPOSING, readComposing } from './composing.ts'
import { CPIM, IMDN, readEnvelope, readNotification } from './cpim.ts'

/** What we take as a MESSAGE. */
export const ACCEPTED = `text/plain, ${CPIM}, ${IMDN}, ${COMPOSING}`

export type Content =
  | {
      readonly kind: 'text'
      readonly text: string
      readonly id: string | undefined
      readonly subject: string | undefined
      /** When it was said, as it stands there. */
      readonly date: string | undefined
      readonly wants: readonly string[]
    }
  | { readonly kind: 'composing'; readonly active: boolean; readonly refresh: number }
  | { readonly kind: 'notification'; readonly id: string; readonly level: 'delivered' | 'read' }
  /** Understood, and of no meaning here. */
  | { readonly kind: 'nothing' }

const CHARSETS: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii', 'iso-8859-1', 'windows-1252'])

/** Undefined: of a kind that is not taken. */
export function readContent(request: Request): Content | undefined {
  const { headers, body } = request
  const encoding = headers.get('content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return undefined
  const inner = { id: undefined, subject: headers.get('subject'), date: headers.get('date'), wants: [] }
  const type = headers.get('content-type') ?? 'text/plain'
  if (parseType(type).type !== CPIM) return readPart(type, body, inner)
  const envelope = readEnvelope(body)
  if (!envelope) return undefined
  const { id, date, wants } = envelope
  return readPart(envelope.type, envelope.body, {
    id,
    date: date ?? inner.date,
    wants,
    subject: envelope.subject ?? inner.subject,
  })
}

type Outside = Omit<Extract<Content, { kind: 'text' }>, 'kind' | 'text'>

function readPart(header: string, body: Buffer, outside: Outside): Content | undefined {
  const { type, params } = parseType(header)
  switch (type) {
    case 'text/plain': {
      const text = decode(body, params.get('charset')?.toLowerCase() ?? 'utf-8')
      return text === undefined
        ? undefined
        : text.trim() === ''
          ? { kind: 'nothing' }
          : { kind: 'text', text, ...outside }
    }
    case COMPOSING: {
      const composing = readComposing(body)
      return composing && { kind: 'composing', ...composing }
    }
    case IMDN: {
      const notification = readNotification(body)
      return notification ? { kind: 'notification', ...notification } : { kind: 'nothing' }
    }
    default:
      return undefined
  }
}

/** With the line breaks and without the control characters that no text has. */
function decode(body: Buffer, charset: string): string | undefined {
  if (!CHARSETS.has(charset)) return undefined
  return new TextDecoder(charset)
    .decode(body)
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '')
}
