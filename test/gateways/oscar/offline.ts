import type { Speaker, User } from './people.ts'
import { type Bytes, longLE, tlv, tlvs, wordLE } from './wire.ts'

/** ICQ's own requests, SNAC(15,02): what waits is given, and forgotten when the program says so. */
export function waiting(user: User, line: Speaker, id: number, data: Buffer): void {
  const inner = tlvs(data).get(1) as Buffer
  const [kind, sequence] = [inner.readUInt16LE(6), inner.readUInt16LE(8)]
  if (inner.readUInt16LE(0) !== inner.length - 2 || inner.readUInt32LE(2) !== Number(user.name))
    throw new Error('Not my number')
  const reply = (type: number, rest: Bytes, flags: number) => {
    const body = [...longLE(Number(user.name)), ...wordLE(type), ...wordLE(sequence), ...rest]
    line.snac(0x15, 3, tlv(1, [...wordLE(body.length), ...body]), id, flags)
  }
  if (kind === 0x3e) user.waiting.length = 0
  if (kind !== 0x3c) return
  for (const { from, text: words } of user.waiting) {
    const when = [...wordLE(2006), 11, 17, 21, 46]
    const letters = [...Buffer.from(words, 'latin1'), 0]
    reply(0x41, [...longLE(Number(from)), ...when, 1, 0, ...wordLE(letters.length), ...letters], 1)
  }
  reply(0x42, [0], 0)
}
