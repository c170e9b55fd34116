import { describe, expect, test } from '@jest/globals'
import { long, Reader, short, tlv, u16, u32, word } from './bytes.ts'
import { encodeItem, Feedbag, KIND, readItem } from './feedbag.ts'
import { encodeFlap, encodeSnac, FlapReader, parseSnac } from './flap.ts'
import { canonical } from './id.ts'

const nonsense = expect.objectContaining({ failure: 'protocol' })

test('frames are read however they are cut', () => {
  const bytes = Buffer.concat([encodeFlap(2, 5, Buffer.from('one')), encodeFlap(5, 6, Buffer.alloc(0))])
  expect(bytes.subarray(0, 6).toString('hex')).toBe('2a0200050003')
  for (let size = 1; size < bytes.length; size++) {
    const reader = new FlapReader()
    const read = []
    for (let at = 0; at < bytes.length; at += size) read.push(...reader.read(bytes.subarray(at, at + size)))
    expect(read.map(({ channel, body }) => [channel, body.toString()])).toEqual([
      [2, 'one'],
      [5, ''],
    ])
  }
  expect(() => [...new FlapReader().read(Buffer.from('HTTP/1.1 400'))]).toThrow(nonsense)
})

test('what is in front of a SNAC that nobody needs is passed over', () => {
  expect(parseSnac(encodeSnac(4, 7, 9, Buffer.from('x')))).toMatchObject({ family: 4, subtype: 7, id: 9, more: false })
  const flagged = Buffer.concat([u16(0x13, 6, 0x8001), u32(9), u16(2), u16(7), Buffer.from('rest')])
  expect(parseSnac(flagged)).toMatchObject({ more: true, data: Buffer.from('rest') })
  expect(() => parseSnac(Buffer.alloc(9))).toThrow(nonsense)
})

test('nothing is read behind the end', () => {
  expect(() => new Reader(Buffer.from([5, 1])).short()).toThrow(nonsense)
  expect(() => new Reader(tlv(1, 'abc').subarray(0, 6)).tlvs()).toThrow(nonsense)
  expect(() => short('x'.repeat(256))).toThrow(expect.objectContaining({ failure: 'too-large' }))
  const tlvs = new Reader(Buffer.concat([tlv(1, u16(7)), tlv(2, u32(0x10020)), tlv(3)])).tlvs()
  expect([word(tlvs, 1), long(tlvs, 1), word(tlvs, 2), long(tlvs, 2), word(tlvs, 3)]).toEqual([
    7,
    7,
    0x20,
    0x10020,
    undefined,
  ])
})

describe('names', () => {
  test.each([
    ['Romeo M', 'romeom'],
    ['10 01', '1001'],
    ['anna@mac.com', 'anna@mac.com'],
  ])('%s is %s', (id, name) => {
    expect(canonical(id)).toBe(name)
    expect(canonical(name)).toBe(name)
  })

  test.each(['', ' ', 'a/b', 'a\r\nb', 'a\0', 'x'.repeat(98), 'ä'])('%j is none', id => {
    expect(canonical(id)).toBeUndefined()
  })
})

test('the list is written as it is read, and groups know their members', () => {
  const bag = new Feedbag()
  bag.set({ name: 'Friends', group: 3, item: 0, kind: KIND.group, tlvs: new Map() })
  const anna = bag.newBuddy('anna', 3, 'Anna', true)
  bag.set(anna)
  expect(readItem(new Reader(encodeItem(anna)))).toEqual(anna)
  expect(bag.contact('anna')).toEqual({
    id: 'anna',
    name: 'Anna',
    groups: ['Friends'],
    subscription: 'none',
    asked: true,
  })
  expect(bag.withMembers(3).tlvs.get(0xc8)).toEqual(u16(anna.item))
  expect(bag.withMembers(0).tlvs.get(0xc8)).toEqual(u16(3))
  expect(bag.newGroup('Others').group).not.toBe(3)
  expect(bag.denying()).toMatchObject({ fresh: true, item: { kind: KIND.privacy } })
  bag.delete(anna)
  expect(bag.withMembers(3).tlvs.has(0xc8)).toBe(false)
})
