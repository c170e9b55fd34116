import { randomInt } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { Intake, type Piece } from './intake.ts'

function cut(bytes: Buffer, sizes: () => number, most = 1000): Piece[] {
  const intake = new Intake(most)
  const pieces: Piece[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = sizes()
    intake.add(bytes.subarray(at, at + size))
    at += size
    for (let piece = intake.next(); piece; piece = intake.next()) {
      pieces.push(piece)
      if (piece.type === 'broken') return pieces
      if (piece.type === 'command' && piece.line === 'DATA') intake.expectData()
    }
  }
  return pieces
}

test('commands and mails are the same however they arrive', () => {
  const bytes = Buffer.from('NOOP\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nDATA\r\n.\r\nQUIT\r\n')
  const whole = cut(bytes, () => 10_000)
  expect(whole).toEqual([
    { type: 'command', line: 'NOOP' },
    { type: 'command', line: 'DATA' },
    { type: 'data', mail: Buffer.from('Subject: x\r\n\r\n.dot\r\n') },
    { type: 'command', line: 'DATA' },
    { type: 'data', mail: Buffer.alloc(0) },
    { type: 'command', line: 'QUIT' },
  ])
  for (let round = 0; round < 50; round++) expect(cut(bytes, () => 1 + randomInt(5))).toEqual(whole)
})

test.each([
  'NOOP\n',
  'NO\rOP\r\n',
  'DATA\r\na\n',
  'DATA\r\na\rb\r\n',
  'DATA\r\na\r\n.\n',
  '\n',
  `${'x'.repeat(3000)}`,
  `DATA\r\n${'x'.repeat(17_000)}`,
])('lines end with CRLF, and end: %j', text => {
  expect(cut(Buffer.from(text), () => 100).at(-1)).toEqual({ type: 'broken' })
})

test('a mail that is too long is left out, and the next one is taken', () => {
  const text = `DATA\r\n${'x'.repeat(500)}\r\n${'x'.repeat(600)}\r\n.\r\nDATA\r\nshort\r\n.\r\n`
  expect(cut(Buffer.from(text), () => 64).map(({ type }) => type)).toEqual(['command', 'too-much', 'command', 'data'])
})
