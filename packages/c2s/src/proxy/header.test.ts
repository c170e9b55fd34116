import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { crc32c } from './crc32c.ts'
import { mayBeginHeader, ProxyHeaderError, readProxyHeader } from './header.ts'

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const IPV4 = Buffer.from([192, 0, 2, 1, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb])
const IPV6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('20010db8000000000000000000000002', 'hex'),
  Buffer.from([0xdc, 0x04, 0x01, 0xbb]),
])
const tlv = (type: number, value: Buffer) =>
  Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 255]), value])

/** @param command version in the upper four bits, command in the lower */
function binary(command: number, family: number, ...parts: Buffer[]): Buffer {
  const rest = Buffer.concat(parts)
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, rest.length >> 8, rest.length & 255]), rest])
}

/** With the checksum that belongs to it, or another one. */
function checked(error = 0): Buffer {
  const header = binary(0x21, 0x11, IPV4, tlv(0x04, Buffer.from('no-op')), tlv(0x03, Buffer.alloc(4)))
  const at = header.length - 4
  header.writeUInt32BE((crc32c(header, at, at + 4) ^ error) >>> 0, at)
  return header
}

const line = (text: string) => Buffer.from(`${text}\r\n`, 'latin1')

const GOOD: readonly (readonly [string, Buffer, string | undefined])[] = [
  ['TCP4', line('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443'), '192.0.2.1'],
  ['TCP6', line('PROXY TCP6 2001:DB8:0:0::1 2001:db8::2 0 65535'), '2001:db8::1'],
  ['UNKNOWN', line('PROXY UNKNOWN'), undefined],
  ['UNKNOWN with anything behind it', line('PROXY UNKNOWN ffff::1 what ever 1 2 3'), undefined],
  ['the longest line', line(`PROXY UNKNOWN ${'f'.repeat(91)}`), undefined],
  ['v2 TCP over IPv4', binary(0x21, 0x11, IPV4), '192.0.2.1'],
  ['v2 TCP over IPv6', binary(0x21, 0x21, IPV6), '2001:db8::1'],
  ['v2 LOCAL', binary(0x20, 0x00), undefined],
  ['v2 LOCAL with a family that does not exist and broken content', binary(0x20, 0xff, Buffer.from([1, 2])), undefined],
  ['v2 without a family', binary(0x21, 0x00, Buffer.from([1, 2])), undefined],
  ['v2 UDP', binary(0x21, 0x12, IPV4), undefined],
  ['v2 UNIX', binary(0x21, 0x31, Buffer.alloc(216)), undefined],
  [
    'v2 with extensions',
    binary(0x21, 0x11, IPV4, tlv(0x01, Buffer.from('h2')), tlv(0xea, Buffer.alloc(0))),
    '192.0.2.1',
  ],
  ['v2 with its checksum', checked(), '192.0.2.1'],
  ['the longest v2', binary(0x21, 0x11, IPV4, tlv(0x04, Buffer.alloc(505))), '192.0.2.1'],
]

describe('a PROXY header', () => {
  test.each(GOOD)('%s', (_, bytes, client) => {
    const rest = Buffer.from('<stream:stream>')
    expect(readProxyHeader(Buffer.concat([bytes, rest]))).toEqual({ length: bytes.length, client })
  })

  test.each(GOOD)('%s, byte by byte', (_, bytes) => {
    for (let length = 0; length < bytes.length; length++) {
      expect(mayBeginHeader(bytes.subarray(0, length))).toBe(true)
      expect(readProxyHeader(bytes.subarray(0, length))).toBeUndefined()
    }
  })

  test.each([
    ['a client that speaks XMPP', Buffer.from('<?xml version="1.0"?>')],
    ['a client that speaks TLS', Buffer.from([0x16, 0x03, 0x01])],
    ['lower case', line('proxy TCP4 192.0.2.1 198.51.100.1 56324 443')],
    ['another protocol', line('PROXY UDP4 192.0.2.1 198.51.100.1 56324 443')],
    ['two spaces', line('PROXY TCP4  192.0.2.1 198.51.100.1 56324 443')],
    ['zeroes in front', line('PROXY TCP4 192.0.02.1 198.51.100.1 56324 443')],
    ['a port with a zero in front', line('PROXY TCP4 192.0.2.1 198.51.100.1 056324 443')],
    ['a port too high', line('PROXY TCP4 192.0.2.1 198.51.100.1 65536 443')],
    ['a name', line('PROXY TCP4 localhost 198.51.100.1 56324 443')],
    ['IPv6 as TCP4', line('PROXY TCP4 ::1 ::1 56324 443')],
    ['an interface', line('PROXY TCP6 fe80::1%lo fe80::1%lo 56324 443')],
    ['something more', line('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 ')],
    ['something less', line('PROXY TCP4 192.0.2.1 198.51.100.1 56324')],
    ['a line too long', line(`PROXY UNKNOWN ${'f'.repeat(92)}`)],
    ['a line without end', Buffer.from(`PROXY ${'f'.repeat(101)}`)],
    ['a line feed alone', Buffer.from(`PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n${' '.repeat(70)}`)],
    ['v2 of version 1', binary(0x11, 0x11, IPV4)],
    ['v2 with an unknown command', binary(0x22, 0x11, IPV4)],
    ['v2 with an unknown family', binary(0x21, 0x41, IPV4)],
    ['v2 with a family and no transport', binary(0x21, 0x10, IPV4)],
    ['v2 with half an address', binary(0x21, 0x11, IPV4.subarray(0, 11))],
    ['v2 with IPv4 called IPv6', binary(0x21, 0x21, IPV4)],
    ['v2 with a wrong checksum', checked(1)],
    ['v2 with a short checksum', binary(0x21, 0x11, IPV4, tlv(0x03, Buffer.alloc(3)))],
    ['v2 with an extension cut off', binary(0x21, 0x11, IPV4, Buffer.from([0x01, 0x00, 0x02, 0x00]))],
    ['v2 with half an extension', binary(0x21, 0x11, IPV4, Buffer.from([0x01, 0x00]))],
    ['v2 too long, before it has all come', binary(0x21, 0x11, IPV4, Buffer.alloc(509)).subarray(0, 16)],
  ])('is not %s', (_, bytes) => {
    expect(() => readProxyHeader(bytes)).toThrow(ProxyHeaderError)
  })

  test('CRC-32C as RFC 3720 §B.4 has it', () => {
    expect(crc32c(Buffer.alloc(32), 0, 0)).toBe(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff), 0, 0)).toBe(0x62a8ab43)
    expect(crc32c(Buffer.alloc(32, 0xff), 0, 32)).toBe(0x8a9136aa)
  })
})

/** Numbers that look random and are the same in every run. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return sides => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

test('100 000 broken headers: an answer or ProxyHeaderError, never beyond the bytes, always the same in pieces', () => {
  const roll = dice(7)
  const wrong: Buffer[] = []
  let read = 0
  let refused = 0
  for (let round = 0; round < 100_000; round++) {
    const bytes = Buffer.concat([GOOD[roll(GOOD.length)]![1], Buffer.from('<stream/>')])
    for (let change = roll(4); change >= 0; change--) bytes[roll(Math.min(bytes.length, 60))] = roll(256)
    const piece = bytes.subarray(0, roll(bytes.length + 1))
    const result = answer(piece)
    // What lies behind the piece in memory does not matter.
    let right = isDeepStrictEqual(result, answer(Buffer.from(piece)))
    // Nor do more bytes, once there is an answer.
    if (result) right &&= isDeepStrictEqual(result, answer(bytes))
    if (result === 'refused') refused++
    else if (result) {
      read++
      right &&= result.length <= piece.length
    }
    if (!right) wrong.push(bytes)
  }
  expect(wrong).toEqual([])
  expect(Math.min(read, refused)).toBeGreaterThan(1000)
})

function answer(bytes: Buffer) {
  try {
    return readProxyHeader(bytes)
  } catch (error) {
    if (error instanceof ProxyHeaderError) return 'refused'
    throw error
  }
}
