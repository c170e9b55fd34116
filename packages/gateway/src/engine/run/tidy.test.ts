import { describe, expect, test } from '@jest/globals'
import { AdapterError, type Event } from '@parley/adapter'
import { charsOf, tidy } from './tidy.ts'

const message = { type: 'message', peer: 'nurse', text: 'hi', origin: 'remote' } as const

describe('an event', () => {
  test.each<Event>([
    { ...message, id: 'n1', at: 5, replyTo: 'n0', nick: 'nurse' },
    {
      type: 'roster',
      contacts: [{ id: 'nurse', name: 'Nurse', groups: ['House'], subscription: 'both', asked: false }],
    },
    { type: 'presence', id: 'nurse', presence: { show: 'away', text: 'two\nlines', idleSince: 5, native: 'IDL' } },
    { type: 'room', room: { id: '#verona', nick: 'romeo', topic: 'x', members: [{ nick: 'romeo', role: 'none' }] } },
    { type: 'ended', error: new AdapterError('transient', 'lost') },
  ])('that is one passes as it is', event => {
    expect(tidy(event)).toEqual(event)
  })

  test.each([
    ...[undefined, null, 5, 'text', [], {}, { type: 'nonsense' }, { type: 'constructor' }],
    ...[
      { ...message, peer: 5 },
      { ...message, peer: '' },
      { ...message, peer: 'a\nb' },
      { ...message, text: () => 'x' },
    ],
    ...[
      { ...message, at: Number.NaN },
      { ...message, peer: 'x'.repeat(600) },
      { ...message, peer: '\ud800' },
    ],
  ])('that is none is left out: %p', event => {
    expect(tidy(event as unknown as Event)).toBeUndefined()
  })

  test('has texts without control characters and of bounded length (threat 152)', () => {
    const heard = tidy({ ...message, subject: 'a\r\nb', text: `\u0000a\r\nb\u0007${'x'.repeat(300_000)}` })
    expect(heard).toMatchObject({ subject: 'a b', text: expect.stringMatching(/^a\nbx+$/) })
    expect((heard as typeof message).text.length).toBeLessThanOrEqual(262_144)
  })

  test('whose spare ids cannot be ids goes without them', () => {
    const heard = tidy({ ...message, id: 'x'.repeat(600), replyTo: '\u0000', thread: '' })
    expect(heard).toEqual(message)
  })

  test('with one bad contact has the others', () => {
    const contacts = [
      { id: 'nurse', subscription: 'both' },
      { id: '\u0000', subscription: 'both' },
      { id: 'tybalt', subscription: 'none' },
    ] as const
    expect(tidy({ type: 'roster', contacts })).toMatchObject({ contacts: [{ id: 'nurse' }, { id: 'tybalt' }] })
  })

  test('that turns in circles is left out', () => {
    const circle: Record<string, unknown> = { show: 'away' }
    circle['self'] = circle
    expect(tidy({ type: 'presence', id: 'nurse', presence: circle } as unknown as Event)).toBeUndefined()
  })
})

test('what an event holds is counted wherever it stands', () => {
  const contacts = [{ id: 'nurse', name: 'x'.repeat(1000), groups: ['House'], subscription: 'both' }] as const
  expect(charsOf({ type: 'roster', contacts })).toBe('roster'.length + 'nurse'.length + 1000 + 'House'.length + 4)
  expect(charsOf({ ...message, at: 5 })).toBe('message'.length + 'nurse'.length + 'hi'.length + 'remote'.length)
})
