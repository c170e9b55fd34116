import { randomBytes, randomInt } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { decode, formatLine, parseLine } from './message.ts'

describe('a line', () => {
  test('has tags, a source, a command and parameters', () => {
    const line = parseLine('@time=now;+typing=a\\sb\\:\\\\;empty;=x :juliet!j@h  privmsg  #verona   :But  soft: what')
    expect(line).toMatchObject({
      source: 'juliet!j@h',
      nick: 'juliet',
      command: 'PRIVMSG',
      params: ['#verona', 'But  soft: what'],
    })
    expect([...line!.tags]).toEqual([
      ['time', 'now'],
      ['+typing', 'a b;\\'],
      ['empty', ''],
    ])
  })

  test.each(['', ' ', ':only', '@a=b', ':a :b', 'PRIV-MSG x', '12 x', '1234 x'])('%p is none', text => {
    expect(parseLine(text)).toBeUndefined()
  })

  test('an empty last parameter is one', () => {
    expect(parseLine('TOPIC #x :')?.params).toEqual(['#x', ''])
    expect(parseLine('AWAY')?.params).toEqual([])
  })

  test('is written so that it reads the same', () => {
    const text = formatLine('PRIVMSG', ['#x', 'a b'], { label: 'p 1;\r\n' })
    expect(text).toBe('@label=p\\s1\\:\\r\\n PRIVMSG #x :a b')
    expect(parseLine(text)?.tags.get('label')).toBe('p 1;\r\n')
  })

  test('no parameter begins another one, or another line (threat 152)', () => {
    for (const name of ['a b', '', ':a', 'a\nb c'])
      expect(() => formatLine('PRIVMSG', [name, 'x'])).toThrow('That is no name on this network')
    expect(formatLine('PRIVMSG', ['a', 'x\r\nQUIT\0'])).toBe('PRIVMSG a xQUIT')
  })

  test('random lines never throw, and what is read is bounded', () => {
    for (let round = 0; round < 5000; round++) {
      const line = parseLine(decode(randomBytes(randomInt(200))).replaceAll('\n', '@:; '))
      if (line) expect(line.params.length).toBeLessThanOrEqual(30)
    }
    expect(parseLine(`@${'a;'.repeat(9000)} X ${'p '.repeat(9000)}`)?.params.length).toBe(30)
  })

  test('what a line says comes back from what is written', () => {
    for (let round = 0; round < 2000; round++) {
      const text = decode(randomBytes(randomInt(60))).replace(/[\r\n\0]/g, '')
      expect(parseLine(formatLine('X', ['a', text]))?.params).toEqual(['a', text])
    }
  })
})
