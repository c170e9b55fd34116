import { expect, test } from '@jest/globals'
import { encode, first, PacketReader, SERVICE } from './codec.ts'

const packet = {
  service: SERVICE.message,
  status: 1,
  session: 0x1234,
  fields: [
    [5, 'juliet'],
    [14, 'Ay me! 🌹'],
  ],
} as const

test('a packet has the head and the marks of the documents', () => {
  const bytes = encode({ service: 0x57, status: 0, session: 0, fields: [[1, 'romeo']] })
  expect(bytes.toString('hex')).toBe('594d53470a000000000a00570000000000000000' + '31c080726f6d656fc080')
})

test('packets are read however they are cut', () => {
  const bytes = Buffer.concat([encode(packet), encode({ ...packet, service: 0x12, fields: [] })])
  for (let size = 1; size < bytes.length; size++) {
    const reader = new PacketReader()
    const read = []
    for (let at = 0; at < bytes.length; at += size) read.push(...reader.read(bytes.subarray(at, at + size)))
    expect(read).toEqual([packet, { ...packet, service: 0x12, fields: [] }])
  }
})

test('a key that is no number is passed over, a value without its end is one, old letters are read', () => {
  const body = Buffer.from('x\u00c0\u0080y\u00c0\u00804\u00c0\u0080caf\u00e9', 'latin1')
  const head = encode({ ...packet, fields: [] })
  head.writeUInt16BE(body.length, 8)
  const [read] = [...new PacketReader().read(Buffer.concat([head, body]))]
  expect(read?.fields).toEqual([[4, 'café']])
  expect(read && first(read, 5)).toBeUndefined()
})

test('no text can hold the end of a value', () => {
  const text = '\u00c0\u0080\0\r\n5\u00c0\u0080mercutio'
  const [read] = [...new PacketReader().read(encode({ ...packet, fields: [[14, text]] }))]
  expect(read?.fields).toEqual([[14, text]])
})

test('what is no packet, or too much for one, is refused', () => {
  expect(() => [...new PacketReader().read(Buffer.alloc(20))]).toThrow(expect.objectContaining({ failure: 'protocol' }))
  const long = { ...packet, fields: [[14, 'x'.repeat(70_000)]] } as const
  expect(() => encode(long)).toThrow(expect.objectContaining({ failure: 'too-large' }))
})
