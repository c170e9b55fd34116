import { describe, expect, test } from '@jest/globals'
import { allowed } from './machine.ts'
import { HELP, isWhole, readOptions } from './options.ts'
import { ROWS } from './rows.ts'

describe('options', () => {
  test('without any, all rows on all servers are measured in full', () => {
    const options = readOptions([])
    expect(options.rows).toEqual(ROWS.map(({ id }) => id))
    expect(isWhole(options)).toBe(true)
  })

  test.each([['--only', 'message'], ['--servers', 'parley'], ['--seconds', '3'], ['--quick']])(
    '%s makes it a run that is not published',
    (...args) => expect(isWhole(readOptions(args))).toBe(false),
  )

  test('rows are measured in their own order', () => {
    expect(readOptions(['--only', 'login, message']).rows).toEqual(['message', 'login'])
  })

  test.each([['--only', 'mesage'], ['--servers', 'openfire'], ['--seconds', '0'], ['--seconds', 'x'], ['--fast']])(
    '%s %s is refused',
    (...args) => expect(() => readOptions(args)).toThrow(),
  )

  test('the help names every row', () => {
    expect(ROWS.filter(({ id }) => !HELP.includes(id))).toEqual([])
  })
})

test('cores are read from ranges', () => {
  expect(allowed('0-2,5')).toEqual([0, 1, 2, 5])
  expect(allowed('3')).toEqual([3])
})
