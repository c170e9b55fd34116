import { describe, expect, test } from '@jest/globals'
import type { Event } from '@parley/adapter'
import { canonical } from './canonical.ts'
import { type Login, World } from './index.ts'

class Listener implements Login {
  readonly events: Event[] = []
  reason: string | undefined
  heard(event: Event): void {
    this.events.push(event)
  }
  thrown(reason: 'replaced' | 'cut'): void {
    this.reason = reason
  }
}

test('names have one spelling, or none', () => {
  expect(canonical('Romeo Montague')).toBe('romeomontague')
  expect(canonical('#Verona')).toBe('#verona')
  for (const none of ['', '#', 'rómeo', 'a@b', 'x'.repeat(65), 'x'.repeat(10_000)])
    expect(canonical(none)).toBeUndefined()
})

describe('a world', () => {
  test('throws out who logs in twice, unless they share', () => {
    const world = new World()
    const [first, second, third] = [new Listener(), new Listener(), new Listener()]
    world.enter('romeo', first)
    world.enter('romeo', second)
    expect(first.reason).toBe('replaced')
    const person = world.enter('romeo', third, { shares: true })
    expect(person.logins.size).toBe(2)
    world.cut('romeo')
    expect([second.reason, third.reason]).toEqual(['cut', 'cut'])
  })

  test('keeps a room as long as somebody is in it', () => {
    const world = new World()
    const romeo = world.enter('romeo', new Listener())
    const juliet = world.enter('juliet', new Listener())
    world.rooms.join(romeo, '#verona', 'r', 'secret')
    expect(() => world.rooms.join(juliet, '#verona', 'j')).toThrow('The room has another password')
    world.rooms.join(juliet, '#verona', 'j', 'secret')
    expect(() => world.rooms.kick(juliet, '#verona', 'r', '')).toThrow('Only a moderator')
    expect(() => world.rooms.setNick(juliet, '#verona', 'r')).toThrow('Somebody has that nick')
    world.rooms.kick(romeo, '#verona', 'j', 'enough')
    expect(world.rooms.list()).toMatchObject([{ id: '#verona', occupants: 1 }])
    world.rooms.leaveAll(romeo)
    expect(world.rooms.list()).toEqual([])
  })

  test('tells only those who may see who is there', () => {
    const world = new World()
    const [hears, listens] = [new Listener(), new Listener()]
    const romeo = world.enter('romeo', hears)
    const juliet = world.enter('juliet', listens)
    world.setPresence(juliet, { show: 'away' })
    expect(hears.events).toEqual([])
    world.add(romeo, 'juliet', { text: 'may I?' })
    expect(listens.events.at(-1)).toMatchObject({ type: 'request', id: 'romeo', text: 'may I?' })
    world.answer(juliet, 'romeo', true)
    expect(hears.events.at(-1)).toEqual({ type: 'presence', id: 'juliet', presence: { show: 'away' } })
    world.remove(juliet, 'romeo')
    expect(hears.events.at(-1)).toEqual({ type: 'presence', id: 'juliet', presence: { show: 'unavailable' } })
    expect(romeo.contacts.get('juliet')?.subscription).toBe('none')
  })
})
