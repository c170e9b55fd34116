import { describe, expect, test } from '@jest/globals'
import { u16, u32 } from './bytes.ts'
import { Rates } from './rates.ts'
import { awayText, presenceOf, showOf, statusOf } from './statuses.ts'
import { decode, encode, fromHtml, isHtml, toHtml } from './text.ts'

test('text goes as ASCII where that will do, else as UCS-2, and comes back', () => {
  for (const text of ['Ay me', 'é', 'שלום 🌹', '']) {
    const { charset, bytes } = encode(text)
    expect(decode(bytes, charset)).toBe(text)
  }
  expect(encode('a🌹').bytes.toString('hex')).toBe('0061d83cdf39')
  expect(decode(Buffer.from([0xe9]), 3)).toBe('é')
  expect(decode(Buffer.from([0xe9]), 0)).toBe('é')
  expect(decode(Buffer.from([0, 0x41, 0]), 2)).toBe('A')
})

test('words become HTML and come back; HTML of others becomes words', () => {
  for (const text of ['1 < 2 & 3 > 2', '<script>alert(1)</script>', 'two\nlines', '&amp;', '"quoted"'])
    expect(fromHtml(toHtml(text))).toBe(text)
  expect(fromHtml('<HTML><BODY><A HREF="javascript:x()">a&nbsp;b</A>\r\n<br/>&#x41;&#1;&unknown;</BODY></HTML>')).toBe(
    'a b \nA&unknown;',
  )
  expect([isHtml(' <HTML>'), isHtml('a <b>')]).toEqual([true, false])
})

describe('statuses', () => {
  const user = (id: string, ...tlvs: [number, Buffer][]) => ({ id, tlvs: new Map(tlvs) })

  test('bits of ICQ, the strongest first', () => {
    expect([0, 1, 5, 0x11, 0x13, 0x20, 2, 4].map(showOf)).toEqual([
      'available',
      'away',
      'xa',
      'dnd',
      'dnd',
      'chat',
      'dnd',
      'xa',
    ])
    expect(presenceOf(user('1001', [6, u32(0x20030013)]), 0)).toEqual({ show: 'dnd', native: '0x13' })
    expect(statusOf({ show: 'dnd', native: '0x13' })).toBe(0x13)
    expect(statusOf({ show: 'dnd', native: '0x5' })).toBe(2)
    expect(statusOf({ show: 'invisible' })).toBe(0x100)
  })

  test('the class of AIM, idle time in minutes, and texts', () => {
    expect(presenceOf(user('anna', [1, u16(0x30)], [4, u16(2)]), 200_000)).toEqual({ show: 'away', idleSince: 80_000 })
    expect(presenceOf(user('anna', [1, u32(0x10)]), 0)).toEqual({ show: 'available' })
    expect(awayText({ show: 'xa' })).toBe('I am away for a while')
    expect(awayText({ show: 'available', text: 'Here' })).toBeUndefined()
  })
})

test('what would be too fast waits until the mean time between words is long enough', () => {
  let now = 100_000
  let due: { at: number; run: () => void } | undefined
  const clock = {
    now: () => now,
    every: () => () => undefined,
    after: (ms: number, run: () => void) => {
      due = { at: now + ms, run }
      return () => {
        due = undefined
      }
    },
  }
  const rates = new Rates(clock)
  // Window 2, clear 2500, alert 2000, limit 1500, disconnect 800, level 2500, at most 6000; SNAC(04,06) is of it.
  const one = Buffer.concat([u16(1), ...[2, 2500, 2000, 1500, 800, 2500, 6000].map(u32), u32(0), Buffer.from([3])])
  rates.read(Buffer.concat([u16(1), one, u16(1, 1, 4, 6)]))
  const sent: number[] = []
  for (let n = 0; n < 3; n++) rates.send(4, 6, () => sent.push(now))
  rates.send(1, 2, () => sent.push(0))
  expect(sent).toEqual([0])
  while (due) {
    const { at, run } = due
    due = undefined
    now = at
    run()
  }
  // (2500 + 1600) / 2 = 2050; then (2050 + 2050) / 2 each time.
  expect(sent).toEqual([0, 101_600, 103_650, 105_700])
  expect(Array.from({ length: 502 }, () => rates.send(4, 6, () => undefined)).filter(taken => !taken)).toHaveLength(2)
  rates.stop()
})
