import { describe, expect, test } from '@jest/globals'
import { type CommandSpec, readValues } from './commands.ts'

const command: CommandSpec = {
  name: 'test',
  summary: '',
  parameters: [
    { name: 'jid', type: 'jid', required: true, help: 'an account' },
    { name: 'count', type: 'number', help: '' },
    { name: 'on', type: 'flag', help: '' },
    { name: 'kind', type: 'choice', choices: ['a', 'b'], help: '' },
    { name: 'all', type: 'text', many: true, help: '' },
  ],
}

describe('values of a command', () => {
  test('are read as they are declared', () => {
    expect(readValues(command, { jid: 'x', count: '5', on: 'true', kind: 'b', all: ['1', '2'] })).toEqual({
      jid: 'x',
      count: 5,
      on: true,
      kind: 'b',
      all: ['1', '2'],
    })
    expect(readValues(command, { jid: 'x', count: '', on: false })).toEqual({ jid: 'x', on: false })
  })

  test.each([
    [{}, 'jid is missing: an account'],
    [{ jid: '' }, 'jid is missing: an account'],
    [{ jid: 5 }, 'jid must be a text'],
    [{ jid: 'x', other: 1 }, 'other: unknown parameter'],
    [{ jid: 'x', constructor: 1 }, 'constructor: unknown parameter'],
    [{ jid: 'x', count: 'many' }, 'count must be a number'],
    [{ jid: 'x', count: ' ' }, 'count must be a number'],
    [{ jid: 'x', kind: 'c' }, 'kind must be one of a, b'],
    [{ jid: 'x', all: 'one' }, 'all must be a list'],
    [{ jid: 'x', all: [1] }, 'all must be a list'],
  ])('%j: %s', (given, text) => {
    expect(() => readValues(command, given)).toThrow(text)
  })

  test('what is required must not be inherited', () => {
    expect(() => readValues(command, Object.create({ jid: 'x' }) as Record<string, unknown>)).toThrow('jid is missing')
  })
})
