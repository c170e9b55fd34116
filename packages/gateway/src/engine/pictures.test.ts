import { expect, test } from '@jest/globals'
import { Pictures } from './pictures.ts'

test('threat 162: a picture is bytes with a hash, and the oldest make room for the newest', () => {
  const pictures = new Pictures()
  const first = pictures.put(Buffer.from('abc'), 'image/png')
  expect(first).toBe('a9993e364706816aba3e25717850c26c9cd0d89d')
  expect(pictures.get(first)).toEqual({ bytes: Buffer.from('abc'), type: 'image/png' })
  const large = Array.from({ length: 40 }, (_, index) => pictures.put(Buffer.alloc(1_000_000, index), 'image/png'))
  expect(pictures.get(first)).toBeUndefined()
  expect(large.filter(id => pictures.get(id)).length).toBe(33)
  expect(pictures.get('nothing')).toBeUndefined()
})
