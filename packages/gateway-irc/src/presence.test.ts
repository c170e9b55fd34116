import { expect, test } from '@jest/globals'
import { awayText, presenceOf } from './presence.ts'

test.each([
  ['available', undefined],
  ['chat', undefined],
  ['away', 'away'],
  ['xa', 'away'],
  ['dnd', 'busy'],
] as const)('%s goes out as %s', (show, text) => {
  expect(awayText({ show })).toBe(text)
})

test('a text goes with it, in one line', () => {
  expect(awayText({ show: 'xa', text: ' at sea\r\nQUIT ' })).toBe('at sea QUIT')
  expect(awayText({ show: 'available', text: 'happy' })).toBeUndefined()
  expect(awayText({ show: 'dnd', text: '  ' })).toBe('busy')
})

test.each([
  [undefined, { show: 'available', native: 'here' }],
  ['', { show: 'away', native: 'away' }],
  ['away', { show: 'away', native: 'away' }],
  ['Busy', { show: 'dnd', native: 'away' }],
  ['at sea', { show: 'away', text: 'at sea', native: 'away' }],
] as const)('AWAY %s comes in as %j', (away, presence) => {
  expect(presenceOf(away)).toEqual(presence)
})
