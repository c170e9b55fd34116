import { describe, expect, test } from '@jest/globals'
import { canonical } from './id.ts'
import { isBuzz, plain, words } from './markup.ts'
import { presenceOf, statusOf } from './statuses.ts'

describe('names', () => {
  test.each([
    ['Romeo', 'romeo'],
    [' romeo_m.1@Yahoo.com ', 'romeo_m.1'],
    ['romeo@ymail.com', 'romeo@ymail.com'],
  ])('%s is %s', (id, name) => {
    expect(canonical(id)).toBe(name)
  })

  test.each(['', ' ', 'a b', 'a\u00c0\u0080b', 'a\r\nb', 'a@b@c', '@yahoo.com', 'x'.repeat(65), 'a,b', 'a:b'])(
    '%j is none',
    id => {
      expect(canonical(id)).toBeUndefined()
    },
  )

  test('what is canonical stays so', () => {
    for (const id of ['Romeo', 'a@yahoo.com', 'a@yahoo.com@yahoo.com', 'A.B@C.d', '\u0130x', 'K']) {
      const once = canonical(id)
      if (once !== undefined) expect(canonical(once)).toBe(once)
    }
  })
})

test('colours and fonts are taken out, other brackets are words', () => {
  expect(plain('\x1b[1m\x1b[#ff0000m<font face="Arial" size="10">Ay me</font>\x1b[x1m')).toBe('Ay me')
  expect(plain('1 < 2 and <this> stays, </fontless> too')).toBe('1 < 2 and <this> stays, </fontless> too')
  expect(isBuzz('<DING>')).toBe(true)
  expect(isBuzz(words('<ding>'))).toBe(false)
})

describe('statuses', () => {
  test('what a status was called comes back as that status', () => {
    for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) expect(statusOf(presenceOf({ code }, 0)).code).toBe(code)
  })

  test('a text of one’s own takes the place of the status, and idle time is counted back', () => {
    expect(statusOf({ show: 'xa', text: 'Gone to Mantua' })).toEqual({ code: 99, text: 'Gone to Mantua', away: 1 })
    expect(statusOf({ show: 'invisible', text: 'Not here' })).toEqual({ code: 12 })
    expect(presenceOf({ code: 999, idle: 60 }, 100_000)).toEqual({ show: 'away', native: '999', idleSince: 40_000 })
    expect(presenceOf({ code: 99, text: 'Hm', away: 2 }, 0)).toEqual({ show: 'away', native: '99', text: 'Hm' })
    expect(presenceOf({ code: 4711 }, 0)).toEqual({ show: 'available', native: '4711' })
  })
})
