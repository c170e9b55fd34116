/** What is said within a conversation: a head like that of a mail, and a body. */
export interface Mime {
  readonly type: string
  /** By lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

const FORMAT = 'X-MMS-IM-Format: FN=MS%20Sans%20Serif; EF=; CO=0; CS=0; PF=0'

const head = (...lines: string[]) => ['MIME-Version: 1.0', ...lines, '', ''].join('\r\n')

export const textOf = (text: string) =>
  `${head('Content-Type: text/plain; charset=UTF-8', FORMAT)}${text.replace(/\r?\n/g, '\r\n')}`

export const typingOf = (me: string) => `${head('Content-Type: text/x-msmsgscontrol', `TypingUser: ${me}`)}\r\n`

export const NUDGE = `${head('Content-Type: text/x-msnmsgr-datacast')}ID: 1\r\n\r\n`

/** Declines what somebody offers: a file, a game, a call. */
export const declineOf = (cookie: string) =>
  head('Content-Type: text/x-msmsgsinvite; charset=UTF-8') +
  `Invitation-Command: CANCEL\r\nInvitation-Cookie: ${cookie}\r\nCancel-Code: REJECT\r\n\r\n`

export function parseMime(bytes: Buffer): Mime {
  const text = bytes.toString('utf8')
  const end = text.indexOf('\r\n\r\n')
  const headers = fieldsOf(end === -1 ? text : text.slice(0, end))
  const type = (headers.get('content-type') ?? '').split(';')[0] as string
  return { type: type.trim().toLowerCase(), headers, body: end === -1 ? '' : text.slice(end + 4) }
}

/** Lines `Name: value`: of a head, and of the body of an invitation. */
export function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of text.split('\r\n', 100)) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return fields
}
