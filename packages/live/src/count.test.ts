import { describe, expect, test } from '@jest/globals'
import { countOf } from './count.ts'

const LAST = 2 ** 32 - 1

describe('what a client means by h', () => {
  test.each([
    ['nothing new', { ack: 2, out: 3 }, 2, 2],
    ['one more', { ack: 2, out: 3 }, 3, 3],
    ['more than was sent', { ack: 2, out: 3 }, 4, undefined],
    ['less than before', { ack: 2, out: 3 }, 1, undefined],
    ['the largest', { ack: 0, out: 0 }, LAST, undefined],
    ['the last before the turn', { ack: LAST - 1, out: LAST }, LAST, LAST],
    ['the turn', { ack: LAST, out: LAST + 1 }, 0, LAST + 1],
    ['beyond the turn', { ack: LAST - 2, out: LAST + 5 }, 4, LAST + 5],
    ['before the turn, when more was acknowledged', { ack: LAST + 1, out: LAST + 5 }, LAST, undefined],
    ['the second turn', { ack: 2 * LAST + 1, out: 2 * LAST + 3 }, 1, 2 * LAST + 3],
  ])('%s', (_, sent, h, expected) => {
    expect(countOf(sent, h)).toBe(expected)
  })
})
