import { AdapterError } from '@parley/adapter'
import { Reader, tlv, u16, u32 } from './bytes.ts'
import type { Snac } from './flap.ts'
import type { Link } from './link.ts'

/** Families that we speak, and in which version. */
const FAMILIES = new Map([
  [0x01, 3],
  [0x02, 1],
  [0x03, 1],
  [0x04, 1],
  [0x09, 1],
  [0x13, 3],
  [0x15, 1],
])
const TOOL = u16(0x0110, 0x047b)
/** "I read UTF-8", as programs tell each other. */
const CAPABILITY_UTF8 = Buffer.from('0946134e4c7f11d18222444553540000', 'hex')
/** Messages, missed calls, typing. */
const MESSAGE_FLAGS = 0x0b
const MESSAGE_BYTES = 8000

/** Everything between SNAC(01,03) and the list. */
export async function negotiate(link: Link, offered: Snac): Promise<ReadonlyMap<number, number>> {
  const reader = new Reader(offered.data)
  const families = new Map<number, number>()
  while (reader.left >= 2) {
    const family = reader.word()
    const version = FAMILIES.get(family)
    if (version !== undefined) families.set(family, version)
  }
  if (!families.has(0x13) || !families.has(0x04))
    throw new AdapterError('protocol', 'That server of AIM or ICQ has no messages or keeps no list')
  await link.ask(0x01, 0x17, ...[...families].map(([family, version]) => u16(family, version)))
  const { data } = await link.ask(0x01, 0x06)
  const classes = link.rates.read(data)
  if (classes.length > 0) link.tell(0x01, 0x08, u16(...classes))
  // The answers say how long lists and texts may be; these are what every server gives.
  await Promise.all([link.ask(0x02, 0x02), link.ask(0x03, 0x02), link.ask(0x04, 0x04), link.ask(0x13, 0x02)])
  link.tell(0x02, 0x04, tlv(0x05, CAPABILITY_UTF8))
  link.tell(0x04, 0x02, u16(0), u32(MESSAGE_FLAGS), u16(MESSAGE_BYTES, 999, 999, 0, 0))
  return families
}

/** SNAC(01,02): now the others see us. */
export function ready(link: Link, families: ReadonlyMap<number, number>): void {
  const parts = [...families].map(([family, version]) => Buffer.concat([u16(family, version), TOOL]))
  link.tell(0x01, 0x02, ...parts)
}
