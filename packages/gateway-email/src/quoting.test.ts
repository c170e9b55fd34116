import { randomInt } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { wordsOf } from './html.ts'
import { ownWords } from './quoting.ts'

describe('what its writer has to say', () => {
  test.each([
    ['Yes.\n\nOn Mon, 5 Jan 2026 at 10:00, Romeo <r@x.org> wrote:\n> Shall I?\n> Now?', 'Yes.'],
    ['Ja.\n\nAm 05.01.26 um 10:00 schrieb Romeo:\n> Soll ich?', 'Ja.'],
    ['Oui.\nLe lun. 5 janv. 2026 à 10:00, Romeo <r@x.org> a écrit :\n> Quoi ?\n', 'Oui.'],
    ['Yes.\nOn Mon, 5 Jan 2026 at 10:00, Romeo Montague\n<romeo@example.org> wrote:\n> Shall I?', 'Yes.'],
    ['Yes.\n\n-----Original Message-----\nFrom: Romeo\nShall I?', 'Yes.'],
    ['Yes.\n________________________________\nFrom: Romeo\nShall I?', 'Yes.'],
    ['On Mon, Romeo wrote:\n> Shall I?\n\nYes.\n\n-- \nJuliet', 'Yes.'],
    ['> Shall I?\nYes.\n> Now?\nNo.', 'Yes.\n> Now?\nNo.'],
    ['> only this', '> only this'],
    ['-- \nJuliet', '--\nJuliet'],
    ['one\r\ntwo\r\n', 'one\ntwo'],
    ['', ''],
  ])('of %j is %j', (text, words) => {
    expect(ownWords(text)).toBe(words)
  })

  test('is found in any text, soon', () => {
    const pieces = [
      '> a\n',
      'On x wrote:\n',
      '-- \n',
      '\n',
      'b\n',
      '<a@b>:',
      '________________________\n',
      'On ',
      ' wrote:',
    ]
    const begun = Date.now()
    for (let round = 0; round < 2000; round++)
      ownWords(Array.from({ length: randomInt(60) }, () => pieces[randomInt(pieces.length)]).join(''))
    ownWords('On '.repeat(100_000))
    ownWords('<@'.repeat(100_000))
    expect(Date.now() - begun).toBeLessThan(3000)
  })
})

describe('the words of a page', () => {
  test.each([
    ['<p>One &amp; two</p><p>three<br>four</p>', 'One & two\n\nthree\nfour'],
    ['<html><head><title>x</title><style>p{}</style></head><body>Hi<script>alert(1)</script></body>', 'Hi'],
    ['<a href="javascript:x">here</a>&#128161;&#x41;&nbsp;&unknown;', 'here💡A\u00a0&unknown;'.replace('\u00a0', ' ')],
    ['Yes<blockquote>no<blockquote>no</blockquote></blockquote><!-- no -->', 'Yes'],
    ['a <b', 'a'],
    ['&#0;&#xd800;x', 'x'],
  ])('%s are %j', (html, words) => {
    expect(wordsOf(html)).toBe(words)
  })

  test('are found in any page, soon', () => {
    const begun = Date.now()
    for (const piece of ['<', '<!--', '<p', '<script>', '</', '&#', '<blockquote>', '>']) wordsOf(piece.repeat(200_000))
    expect(Date.now() - begun).toBeLessThan(5000)
  })
})
