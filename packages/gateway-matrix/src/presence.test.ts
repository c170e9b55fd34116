import { expect, test } from '@jest/globals'
import { fromMatrix, toMatrix } from './presence.ts'

test.each([
  ['available', { presence: 'online' }],
  ['chat', { presence: 'online' }],
  ['away', { presence: 'unavailable' }],
  ['xa', { presence: 'unavailable' }],
  ['dnd', { presence: 'unavailable', status_msg: 'busy' }],
  ['invisible', { presence: 'offline' }],
  ['unavailable', { presence: 'offline' }],
] as const)('%s goes out as %j', (show, native) => {
  expect(toMatrix({ show })).toEqual(native)
})

test('a text goes with it', () => {
  expect(toMatrix({ show: 'dnd', text: 'studying' })).toEqual({ presence: 'unavailable', status_msg: 'studying' })
})

test.each([
  ['online', undefined, { show: 'available', native: 'online' }],
  ['online', 'here', { show: 'available', text: 'here', native: 'online' }],
  ['unavailable', undefined, { show: 'away', native: 'unavailable' }],
  ['unavailable', 'busy', { show: 'dnd', native: 'unavailable' }],
  ['offline', 'gone', { show: 'unavailable', native: 'offline' }],
  ['dancing', undefined, undefined],
])('%s %s comes in as %j', (native, text, presence) => {
  expect(fromMatrix(native, text)).toEqual(presence)
})
