import { expect, test } from '@jest/globals'
import { Redactor } from './redact.ts'

const SECRET = 'hünter2 & Co/42'

function redactor(...secrets: string[]): Redactor {
  const made = new Redactor()
  for (const secret of secrets) made.learn(secret)
  return made
}

test('threat 159: a secret is not logged, in whatever spelling', () => {
  const hides = redactor(SECRET)
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const spoken = [
    SECRET,
    `PASS ${SECRET}\r\n`,
    encodeURIComponent(SECRET),
    `a=b&${new URLSearchParams({ password: SECRET })}`,
    JSON.stringify({ password: SECRET }),
    Buffer.from(SECRET).toString('hex'),
    base64(SECRET),
    base64(`\0romeo\0${SECRET}`),
    base64(`\0julia\0${SECRET} `),
    base64(`ab${SECRET}cd`),
    base64(`abc${SECRET}d`),
    Buffer.from(`x${SECRET}`).toString('base64url'),
  ]
  for (const text of spoken) {
    const shown = hides.text(text)
    expect(shown).toContain('[secret]')
    expect(shown).not.toContain(SECRET)
  }
  expect(hides.text('hunter3')).toBe('hunter3')
})

test('threat 159: nor in fields, nor spread over several of them', () => {
  const hides = redactor('wherefore')
  const said = [
    { a: 'wherefore' },
    { a: { b: ['x', { c: 'wherefore art' }] } },
    { a: new Error('bad: wherefore') },
    { wherefore: 1 },
    { a: 'where', b: 'fore' },
    { a: ['w', 'h', 'e', 'r', 'e', 'f', 'o', 'r', 'e'] },
    { a: 'whe', b: { c: 'ref' }, d: 'ore' },
  ]
  for (const about of said) {
    const shown = JSON.stringify(hides.about(about))
    expect(shown).toContain('[secret]')
    expect(shown).not.toContain('fore')
  }
  expect(hides.about({ a: 'there', n: 1, yes: true, none: null })).toEqual({ a: 'there', n: 1, yes: true, none: null })
  expect(redactor('123456').about({ a: 123, b: 456 })).toEqual({ hidden: '[secret]' })
})

test('short secrets do not make all lines unreadable, and are hidden as words', () => {
  const hides = redactor('ab')
  expect(hides.text('absolutely')).toBe('absolutely')
  expect(hides.text('PASS ab')).not.toContain('ab')
  expect(hides.text('ab')).toBe('[secret]')
})

test('what is said about a line is bounded', () => {
  const circle: Record<string, unknown> = { bytes: Buffer.alloc(1000), list: Array.from({ length: 1000 }, () => 'x') }
  circle['self'] = circle
  const shown = redactor('secret').about(circle)
  expect(JSON.stringify(shown).length).toBeLessThan(5000)
  expect(redactor('secret').text('x'.repeat(10_000)).length).toBeLessThan(2100)
})
