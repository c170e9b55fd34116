import { describe, expect, test } from '@jest/globals'
import type { Capabilities } from '@parley/adapter'
import { argumentsOf, piecesOf } from './outgoing.ts'

const capabilities: Capabilities = { maxTextBytes: 10, charset: 'utf-8', multiline: false, rate: 1, maxStatusBytes: 8 }
const message = { key: 'k', to: { peer: '#verona', nick: 'romeo\r\nQUIT' }, text: 'hi', receipt: true, replyTo: 'n1' }
const by = { key: 'k' }

describe('a message', () => {
  test('that fits is one', () => {
    expect(piecesOf({ ...message, to: { peer: 'nurse' } }, capabilities)).toEqual([
      { ...message, to: { peer: 'nurse' } },
    ])
  })

  test('that is long becomes several: one answer, one receipt at the end', () => {
    expect(piecesOf({ ...message, to: { peer: 'nurse' }, text: 'one line\nsecond another' }, capabilities)).toEqual([
      { key: 'k', to: { peer: 'nurse' }, text: 'one line', receipt: false, replyTo: 'n1' },
      { key: 'k/2', to: { peer: 'nurse' }, text: 'second', receipt: false },
      { key: 'k/3', to: { peer: 'nurse' }, text: 'another', receipt: true },
    ])
  })

  test('that says nothing, or more than anybody reads, is refused', () => {
    expect(() => piecesOf({ ...message, text: ' \n' }, capabilities)).toThrow('There is nothing in the message')
    expect(() => piecesOf({ ...message, text: 'x'.repeat(10_000) }, capabilities)).toThrow('The message is too long')
  })
})

describe('threat 152: no line of the network hides', () => {
  const evil = 'a\r\nQUIT\u0000\u2028b'
  test('in what a message says of itself', () => {
    const [piece] = piecesOf({ ...message, subject: evil, thread: evil }, capabilities)
    expect(JSON.stringify(piece)).not.toMatch(/\\[rnu]/)
    expect(piece?.to.nick).toBe('romeo QUIT')
  })

  test.each([
    ['joinRoom', ['#verona', evil, evil, by]],
    ['setTopic', ['#verona', evil, by]],
    ['setNick', ['#verona', evil, by]],
    ['kick', ['#verona', evil, evil, by]],
    ['addContact', ['nurse', { name: evil, groups: [evil], text: evil }, by]],
    ['renameContact', ['nurse', evil, by]],
    ['search', [evil, by]],
    ['setPresence', [{ show: 'away', text: evil }, by]],
    ['sendPresence', ['nurse', { show: 'away', text: evil }, by]],
    ['edit', [{ peer: 'nurse' }, 'n1', 'a\r\nQUIT', by]],
  ])('in what %s is given', (name, args) => {
    expect(JSON.stringify(argumentsOf(name, args, capabilities))).not.toMatch(/\\[rnu]/)
  })
})

test('a status is cut to what the network shows, or left out', () => {
  const [shown] = argumentsOf('setPresence', [{ show: 'away', text: 'gone fishing' }, by], capabilities)
  expect(shown).toEqual({ show: 'away', text: 'gone…' })
  const { maxStatusBytes, ...none } = capabilities
  expect(maxStatusBytes).toBe(8)
  expect(argumentsOf('setPresence', [{ show: 'away', text: 'gone' }, by], none)[0]).toEqual({ show: 'away' })
})

test('a correction that would be several messages is refused', () => {
  expect(() => argumentsOf('edit', [{ peer: 'nurse' }, 'n1', 'much longer than that', by], capabilities)).toThrow(
    'The message is too long',
  )
})
