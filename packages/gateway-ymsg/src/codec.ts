import { AdapterError, FrameReader } from '@parley/adapter'

/** What libyahoo2's "Yahoo Messenger Protocol v 9", §2, calls services; the byte pair at offset 10 of a packet. */
export const SERVICE = {
  logOn: 0x01,
  logOff: 0x02,
  isAway: 0x03,
  isBack: 0x04,
  idle: 0x05,
  message: 0x06,
  userStatus: 0x0a,
  newContact: 0x0f,
  ping: 0x12,
  systemMessage: 0x14,
  conferenceInvite: 0x18,
  conferenceDecline: 0x1a,
  conferenceAddInvite: 0x1c,
  notify: 0x4b,
  verify: 0x4c,
  authResponse: 0x54,
  list: 0x55,
  auth: 0x57,
  addBuddy: 0x83,
  removeBuddy: 0x84,
  ignore: 0x85,
  reject: 0x86,
} as const

/** In the head of a packet. */
export const STATUS = { plain: 0, typing: 0x16, offline: 0x5a55aa56, failed: 0xffffffff } as const

export type Field = readonly [key: number, value: string]

export interface Packet {
  readonly service: number
  readonly status: number
  readonly session: number
  readonly fields: readonly Field[]
}

const MAGIC = 0x594d5347 // YMSG
const HEAD = 20
const VERSION = 10
/** Bytes of a body: the length is two bytes, and servers send far less. */
const MOST = 65_535
const FIELDS = 4096
const MARK = Buffer.from([0xc0, 0x80])

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * A value is text; the end of a value (C0 80) is not UTF-8, so no text can hold it.
 * @throws AdapterError `too-large` where the fields do not fit a packet
 */
export function encode({ service, status, session, fields }: Packet): Buffer {
  const parts: Buffer[] = [Buffer.alloc(HEAD)]
  for (const [key, value] of fields) parts.push(Buffer.from(String(key)), MARK, Buffer.from(value, 'utf8'), MARK)
  const bytes = Buffer.concat(parts)
  if (bytes.length - HEAD > MOST) throw new AdapterError('too-large', 'That is too long for Yahoo! Messenger')
  bytes.writeUInt32BE(MAGIC, 0)
  bytes.writeUInt8(VERSION, 4)
  bytes.writeUInt16BE(bytes.length - HEAD, 8)
  bytes.writeUInt16BE(service, 10)
  bytes.writeUInt32BE(status, 12)
  bytes.writeUInt32BE(session, 16)
  return bytes
}

/** Cuts what arrives into packets. */
export class PacketReader {
  readonly #frames = new FrameReader({
    head: HEAD,
    most: MOST,
    length: head => {
      if (head.readUInt32BE(0) !== MAGIC) throw new AdapterError('protocol', 'That is no server of Yahoo! Messenger')
      return head.readUInt16BE(8)
    },
  });

  /** @throws AdapterError where it is no packet */
  *read(chunk: Uint8Array): Generator<Packet, void> {
    for (const { head, body } of this.#frames.read(chunk))
      yield {
        service: head.readUInt16BE(10),
        status: head.readUInt32BE(12),
        session: head.readUInt32BE(16),
        fields: fieldsOf(body),
      }
  }
}

/** The first value of a key. */
export function first(packet: Packet, key: number): string | undefined {
  return packet.fields.find(field => field[0] === key)?.[1]
}

/** Some servers leave out the last mark; what is no pair with a number for a key is passed over. */
function fieldsOf(body: Buffer): Field[] {
  const fields: Field[] = []
  let key: Buffer | undefined
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf(MARK, at)
    const piece = body.subarray(at, end === -1 ? body.length : end)
    at = end === -1 ? body.length : end + MARK.length
    if (key === undefined) {
      key = piece
      continue
    }
    const name = key.toString('latin1')
    key = undefined
    if (!/^\d{1,9}$/.test(name)) continue
    if (fields.length >= FIELDS) throw new AdapterError('protocol', 'A packet has too many fields')
    fields.push([Number(name), textOf(piece)])
  }
  return fields
}

/** UTF-8 where it is that; old programs send one byte for a letter. */
function textOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}
