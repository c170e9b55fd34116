import { randomBytes, randomInt } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { canonical, localOf, nodeOf } from './address.ts'

describe('an address', () => {
  test.each([
    ['Juliet@Verona.TEST', 'juliet@verona.test'],
    ['a.b+c@x-y.org', 'a.b+c@x-y.org'],
    ['nurse@bücher.example', 'nurse@xn--bcher-kva.example'],
  ])('%s is %s', (raw, id) => {
    expect(canonical(raw)).toBe(id)
  })

  test.each([
    ...[
      '',
      '@',
      'a@',
      '@b.c',
      'a@b',
      'a b@c.de',
      'a@b..c',
      '.a@b.cd',
      'a..b@c.de',
      '"a b"@c.de',
      'a@[127.0.0.1]',
      'a@127.0.0.1',
    ],
    ...[
      'a@b.c\r\nBcc: x',
      'a\0@b.cd',
      'a@b.cd/x',
      'a@-b.cd',
      'ä@b.cd',
      `${'a'.repeat(65)}@b.cd`,
      'a@b@c.de/',
      'a@0x7f.1',
      'a@b.\ud800',
    ],
  ])('%j is none', raw => {
    expect(canonical(raw)).toBeUndefined()
  })

  test('has one spelling, whatever is asked', () => {
    const signs = 'aZ.@-+_%"\\ \r\n<>ß。．İ1é\ud83d:/[]'
    for (let round = 0; round < 20_000; round++) {
      const raw = `${round % 3 ? 'a@' : ''}${Array.from({ length: randomInt(14) }, () => signs[randomInt(signs.length)]).join('')}.de`
      const id = canonical(round % 5 ? raw : randomBytes(20).toString('latin1'))
      if (id !== undefined) expect(canonical(id)).toBe(id)
    }
  })
})

describe('the name of a user in mail', () => {
  test.each([
    ['romeo', 'romeo'],
    ['d\\27artagnan', 'd=5c27artagnan'],
    ['a+b.c', 'a=2bb=2ec'],
    ['юлия', '=d1=8e=d0=bb=d0=b8=d1=8f'],
  ])('%s is %s', (node, local) => {
    expect(localOf(node)).toBe(local)
    expect(nodeOf(local)).toBe(node)
  })

  test('is written in one way only', () => {
    for (const local of ['=61', 'A', '=C3=A9', '=ff', 'a+b', '', '=c3']) expect(nodeOf(local)).toBeUndefined()
  })

  test('comes back, whatever it is', () => {
    for (let round = 0; round < 5000; round++) {
      const node = randomBytes(1 + randomInt(20)).toString('utf8')
      expect(nodeOf(localOf(node))).toBe(node)
    }
  })
})
