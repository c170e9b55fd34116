import type { Heard } from '@parley/adapter'
import { Reader, tlv } from './bytes.ts'
import { waited } from './icbm.ts'

const FETCH = 0x3c
const DELETE = 0x3e
const MESSAGE = 0x41
const END = 0x42

/** ICQ's own requests within SNAC(15,02): little-endian, and with their length once more. */
function request(me: string, kind: number): Buffer {
  const bytes = Buffer.alloc(10)
  bytes.writeUInt16LE(8, 0)
  bytes.writeUInt32LE(Number(me) >>> 0, 2)
  bytes.writeUInt16LE(kind, 6)
  bytes.writeUInt16LE(kind, 8)
  return tlv(1, bytes)
}

export const waitingFor = (me: string) => request(me, FETCH)
export const deleteWaiting = (me: string) => request(me, DELETE)

/** SNAC(15,03). @throws AdapterError where it is none */
export function readWaiting(data: Buffer): Heard | undefined {
  const { kind, reader } = answer(data)
  return kind === MESSAGE ? waited(reader) : undefined
}

export const isEnd = (data: Buffer) => answer(data).kind === END

function answer(data: Buffer) {
  const reader = new Reader(new Reader(data).tlvs().get(1) ?? Buffer.alloc(0))
  if (reader.left < 10) return { kind: 0, reader }
  reader.take(6)
  const kind = reader.wordLE()
  reader.wordLE()
  return { kind, reader }
}
