import { randomBytes, randomInt } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import PostalMime from 'postal-mime'
import { compose, dateOf, type Mail } from './compose.ts'

const MAIL: Mail = {
  from: 'romeo+x@email.example.org',
  name: 'romeo',
  to: 'juliet@verona.test',
  subject: 'Tonight',
  text: 'But, soft!',
  id: '<1@email.example.org>',
  references: [],
  at: Date.UTC(2026, 0, 2, 3, 4, 5),
}

test('a mail is ASCII, in lines of a length that servers take', () => {
  const mail = compose({ ...MAIL, name: 'Ромео', subject: `Ж${'ж'.repeat(300)}`, text: 'ж'.repeat(5000) })
  expect(mail).toMatch(/^[\r\n\x20-\x7e]*$/)
  for (const line of mail.split('\r\n')) expect(line.length).toBeLessThanOrEqual(100)
  expect(mail.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
})

test('what it says comes back as it was', async () => {
  for (let round = 0; round < 200; round++) {
    const text = randomBytes(randomInt(400))
      .toString(round % 2 ? 'utf8' : 'latin1')
      .replace(/[\x00-\x1f\x7f-\x9f\ufeff]/g, '')
    const subject = text.slice(0, 80).replace(/\s+/g, ' ').trim()
    const email = await PostalMime.parse(
      compose({ ...MAIL, text: `${text}!`, subject, references: ['<a@b>', '<c@d>'], inReplyTo: '<c@d>' }),
    )
    expect(email.text?.trimEnd()).toBe(`${text}!`)
    expect(email.subject ?? '').toBe(subject)
    expect(email.references).toBe('<a@b> <c@d>')
  }
})

test.each([
  { subject: 'a\r\nBcc: b' },
  { subject: 'a\nb' },
  { name: 'a\rb' },
  { from: 'a b@c' },
  { to: 'a\n@b' },
  { id: '<a>\r\nX: y' },
  { inReplyTo: '<a> <b>' },
  { references: ['<a>', '<b\n>'] },
])('%j is refused (threat 153)', part => {
  expect(() => compose({ ...MAIL, ...part })).toThrow('A subject or an address is one line')
})

describe('a date', () => {
  test('is in universal time', () => {
    expect(dateOf(MAIL.at)).toBe('Fri, 2 Jan 2026 03:04:05 +0000')
    expect(Date.parse(dateOf(MAIL.at))).toBe(MAIL.at)
  })
})
