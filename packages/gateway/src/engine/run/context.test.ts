import { expect, test } from '@jest/globals'
import { FakeClock } from '@parley/testkit'
import { type Ask, contextFor } from './context.ts'
import { Net } from './net.ts'
import { Redactor } from './redact.ts'

/** The context of one session, all that it asks the core for, and what ends it. */
function stage() {
  const clock = new FakeClock()
  const asked: Ask[] = []
  const ended = new AbortController()
  const context = contextFor({
    init: { settings: {}, account: undefined, domain: 'aim.example.org' },
    core: {
      ask: async ask => {
        asked.push(ask)
        return 'a9993e36'
      },
      log: () => {},
    },
    net: new Net({ allow: [] }, clock),
    redactor: new Redactor(),
    signal: ended.signal,
    emit: () => {},
  })
  return { ...context, clock, own: context.clock, asked, ended }
}

test('threat 162: a picture that is larger than a mebibyte goes nowhere', async () => {
  const { media, asked } = stage()
  await expect(media.put(new Uint8Array(1_048_577), 'image/png')).rejects.toMatchObject({ failure: 'too-large' })
  expect(asked).toEqual([])
  expect(await media.put(new Uint8Array(1_048_576), 'image/png')).toBe('a9993e36')
})

test('what is kept has a measure', async () => {
  const { kv, secrets, asked } = stage()
  await expect(kv.set('x'.repeat(201), 'y')).rejects.toMatchObject({ failure: 'too-large' })
  await expect(secrets.set('x', 'y'.repeat(65_537))).rejects.toMatchObject({ failure: 'too-large' })
  expect(asked).toEqual([])
  await kv.set('cursor', '5')
  expect(asked).toEqual([{ what: 'set', vault: 'kv', name: 'cursor', value: '5' }])
})

test('timers end with the session, and none begins behind it', () => {
  const { own, clock, ended } = stage()
  const rung: string[] = []
  own.after(1000, () => rung.push('once'))
  const stop = own.after(1000, () => rung.push('never'))
  own.every(400, () => rung.push('often'))
  stop()
  clock.advance(1000)
  expect(rung).toEqual(['often', 'often', 'once'])
  own.after(1000, () => rung.push('too late'))
  ended.abort()
  own.after(1, () => rung.push('behind it'))
  clock.advance(5000)
  expect(rung).toHaveLength(3)
})
