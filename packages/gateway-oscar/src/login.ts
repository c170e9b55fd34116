import { createHash } from 'node:crypto'
import { AdapterError, type Connection, type Context } from '@parley/adapter'
import { Reader, textOf, tlv, u8, u16, u32 } from './bytes.ts'
import { refusal } from './failures.ts'
import type { Snac } from './flap.ts'
import { Link } from './link.ts'

const LOGIN_TIME = 30_000
const CONSTANT = 'AOL Instant Messenger (SM)'

/** What a program says of itself: a name, and the numbers of AIM 5.1, which servers know. */
const PROGRAM = [
  tlv(0x03, 'Parley'),
  tlv(0x16, u16(0x0109)),
  tlv(0x17, u16(5)),
  tlv(0x18, u16(1)),
  tlv(0x19, u16(0)),
  tlv(0x1a, u16(0x0bdc)),
  tlv(0x14, u32(0xd2)),
  tlv(0x0f, 'en'),
  tlv(0x0e, 'us'),
  // The list is kept by the server.
  tlv(0x4a, u8(1)),
]

export interface Admission {
  readonly host: string
  readonly port: number
  readonly cookie: Buffer
}

/**
 * The first part of the login: a server gives a key, gets a digest of it and the password, and says which server to go on with.
 * @throws AdapterError `credentials` where name or password is wrong
 */
export async function authorize(
  context: Context,
  connection: Connection,
  server: { readonly port: number },
  name: string,
  password: string,
): Promise<Admission> {
  return await new Promise<Admission>((resolve, reject) => {
    let done = false
    const end = (settle: () => void, reason: Error) => {
      if (done) return
      done = true
      cancel()
      context.signal.removeEventListener('abort', aborted)
      settle()
      link.close(reason)
    }
    const fail = (error: Error) => end(() => reject(error), error)
    const aborted = () => fail(new AdapterError('transient', 'The session was ended'))
    const late = () => fail(new AdapterError('transient', 'AIM or ICQ takes too long to let us in'))
    const cancel = context.clock.after(LOGIN_TIME, late)
    const link = new Link(connection, context.clock, {
      hello: () => {
        link.greet()
        link.tell(0x17, 0x06, tlv(0x01, name), tlv(0x4b), tlv(0x5a))
      },
      snac: snac => {
        if (snac.family !== 0x17) return
        if (snac.subtype === 0x07) link.tell(0x17, 0x02, ...proof(snac, name, password))
        if (snac.subtype === 0x03) {
          const admission = admitted(snac, server.port)
          end(() => resolve(admission), new AdapterError('transient', 'The session was ended'))
        }
      },
      ended: fail,
    })
    context.signal.addEventListener('abort', aborted, { once: true })
    if (context.signal.aborted) aborted()
  })
}

/** With TLV 4C the password is digested before it is mixed with the key. */
function proof({ data }: Snac, name: string, password: string): Buffer[] {
  const reader = new Reader(data)
  const key = reader.take(reader.word())
  const inner = createHash('md5').update(password).digest()
  const digest = createHash('md5').update(key).update(inner).update(CONSTANT).digest()
  return [tlv(0x01, name), tlv(0x25, digest), tlv(0x4c), ...PROGRAM]
}

function admitted({ data }: Snac, port: number): Admission {
  const tlvs = new Reader(data).tlvs()
  const address = /^([A-Za-z0-9.-]{1,253})(?::(\d{1,5}))?$/.exec(textOf(tlvs.get(0x05) ?? Buffer.alloc(0)))
  const cookie = tlvs.get(0x06)
  if (tlvs.has(0x08)) throw refusal(tlvs)
  const at = Number(address?.[2] ?? port)
  if (!address || !cookie || at < 1 || at > 65_535)
    throw new AdapterError('protocol', 'AIM or ICQ does not say where to go on')
  return { host: address[1] as string, port: at, cookie }
}
