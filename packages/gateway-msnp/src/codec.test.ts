import { describe, expect, test } from '@jest/globals'
import { CommandReader, encode, quote, unquote } from './codec.ts'
import { canonical } from './id.ts'
import { fieldsOf, parseMime, textOf } from './mime.ts'
import { hostPort } from './place.ts'
import { personalData, personalMessage } from './statuses.ts'

const read = (text: string, size = 1e9) => {
  const reader = new CommandReader()
  const bytes = Buffer.from(text)
  const out = []
  for (let at = 0; at < bytes.length; at += size) out.push(...reader.read(bytes.subarray(at, at + size)))
  return out.map(({ name, args, payload }) => [name, ...args, ...(payload ? [`<${payload}>`] : [])].join(' '))
}

test('a body is as long as its command says, whatever is in it, and however it is cut', () => {
  const text = 'NLN NLN anna@example.org Anna 0\r\nMSG a@b.c A 9\r\nOUT OTH\r\nUBX a@b.c 0\r\nQNG 42\r\n'
  const commands = ['NLN NLN anna@example.org Anna 0', 'MSG a@b.c A 9 <OUT OTH\r\n>', 'UBX a@b.c 0', 'QNG 42']
  for (const size of [1, 2, 3, 7, 1000]) expect(read(text, size)).toEqual(commands)
})

test('what is no command, or too long, is refused', () => {
  const refused = expect.objectContaining({ failure: 'protocol' })
  expect(() => read('HTTP/1.1 400 Bad Request\r\n')).toThrow(refused)
  expect(() => read(`MSG a b 999999\r\n`)).toThrow(refused)
  expect(() => read('x'.repeat(10_000))).toThrow(refused)
})

test.each(['a\r\nOUT', 'a b', '', 'a\nb', 'a\0', 'ä'])('%j is no word of a command', word => {
  expect(() => encode('ADC', [5, 'FL', word])).toThrow(expect.objectContaining({ failure: 'unsupported' }))
  expect(encode('ADC', [5, `N=${quote(word)}`]).toString()).toMatch(/^ADC 5 N=[\w%]*\r\n$/)
})

test('names are quoted and come back', () => {
  for (const name of ['Anna', 'Á & b 50%', '🌹\r\n', '%41'] as const) expect(unquote(quote(name))).toBe(name)
  expect(unquote('100%')).toBe('100%')
})

describe('addresses', () => {
  test.each([
    ['Anna@Example.ORG', 'anna@example.org'],
    ['anna(contoso.com)@msn.com', 'anna@contoso.com'],
    [' a+b@c ', 'a+b@c'],
  ])('%s is %s', (id, address) => {
    expect(canonical(id)).toBe(address)
    expect(canonical(address)).toBe(address)
  })

  test.each(['', 'anna', 'a b@c.d', 'a@b@c', 'a@b\r\nOUT', 'a@-b', `${'x'.repeat(70)}@b.c`, 'a@b..c'])(
    '%j is none',
    id => {
      expect(canonical(id)).toBeUndefined()
    },
  )
})

test('a message has a head and a body', () => {
  const { type, body, headers } = parseMime(Buffer.from(textOf('one\ntwo')))
  expect({ type, body }).toEqual({ type: 'text/plain', body: 'one\r\ntwo' })
  expect(headers.get('x-mms-im-format')).toContain('FN=')
  expect(parseMime(Buffer.from('x')).body).toBe('')
  expect(fieldsOf('ID: 1\r\n:\r\nx').get('id')).toBe('1')
})

test('a personal message is escaped, and read as it was', () => {
  for (const text of ['Ay <me> & "woe"', '', '&amp;', '🌹'])
    expect(personalMessage(Buffer.from(personalData(text)))).toBe(text)
  expect(personalMessage(Buffer.from('<Data><PSM>&#65;&#x1F339;&#1;&nbsp;</PSM></Data>'))).toBe('A🌹&nbsp;')
})

test('a server is a name and a port', () => {
  expect(hostPort('127.0.0.1:1863')).toEqual({ host: '127.0.0.1', port: 1863 })
  for (const text of [undefined, '', 'a', 'a:0', 'a:99999', 'a b:1', '[::1]:1'])
    expect(() => hostPort(text)).toThrow(expect.objectContaining({ failure: 'protocol' }))
})
