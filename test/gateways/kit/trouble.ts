import { randomBytes, randomInt } from 'node:crypto'
import { expect, test } from '@jest/globals'
import type { Conformance } from './peer.ts'
import { plays } from './play.ts'
import { eventually, failureOf, textsOf } from './rig.ts'

const ROUNDS = 5000
const ALPHABET = [
  'a',
  'B',
  '7',
  ' ',
  '#',
  '@',
  '.',
  '-',
  '_',
  ':',
  '/',
  '%',
  '\\',
  'ü',
  'ß',
  'İ',
  '漢',
  '👍',
  '\u202e',
  '\u0000',
  '\n',
  '\ud800',
  '=',
  '(',
  ')',
]

const NONSENSE: Readonly<Record<string, Uint8Array>> = {
  'bytes of all kinds': randomBytes(2000),
  'a line without end': Buffer.alloc(200_000, 0x41),
  'empty lines and nothing': Buffer.from('\r\n\r\n\u0000\u0000'),
  'bytes that are all set': Buffer.alloc(64, 0xff),
}

/** What goes wrong. */
export function troublePlays(conformance: Conformance): void {
  const play = plays(conformance)
  const { adapter } = conformance

  test('an address has one spelling, whatever it is made of', () => {
    for (let round = 0; round < ROUNDS; round++) {
      const raw = Array.from({ length: randomInt(40) }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
      const id = adapter.canonical(raw)
      if (id === undefined) continue
      expect(adapter.canonical(raw)).toBe(id)
      expect(adapter.canonical(id)).toBe(id)
      expect(id).not.toMatch(/[\u0000-\u001f\u007f]|\p{Surrogate}/u)
      expect(id).not.toBe('')
    }
    for (const raw of ['', ' ', '\u0000', '\ud800', 'a\nb', 'x'.repeat(100_000)])
      expect(() => adapter.canonical(raw)).not.toThrow()
  })

  play('a connection that breaks is told, to be tried again', { has: ['cut'] }, async ({ peer, couple }) => {
    const { rig } = await couple()
    await peer.cut!(rig.login.id)
    const ended = await eventually('the end', () => rig.of('ended')[0])
    expect(ended.error).toMatchObject({ name: 'AdapterError', failure: 'transient' })
    const before = rig.events.length
    expect((await failureOf(rig.send('juliet', 'hello?'))).failure).toBe('transient')
    expect(rig.events).toHaveLength(before)
  })

  play(
    'after a break nothing is lost, and nothing is heard twice',
    {
      can: ['offlineQueue in'],
      has: ['cut', 'offline'],
    },
    async ({ peer, romeo, couple, online }) => {
      const { rig, juliet } = await couple()
      await juliet.says(romeo.id, 'one')
      await eventually('the first', () => rig.heard.length === 1)
      await peer.cut!(romeo.id)
      await eventually('the end', () => rig.of('ended')[0])
      await juliet.says(romeo.id, 'two')
      const again = await online(romeo, rig.kept)
      await juliet.says(romeo.id, 'three')
      await eventually('the third', () => again.heard.find(({ text }) => text === 'three'))
      expect([...rig.heard, ...again.heard].map(({ text }) => text)).toEqual(['one', 'two', 'three'])
    },
  )

  play(
    'after a break nothing that was heard is heard again',
    { has: ['cut'] },
    async ({ peer, romeo, couple, online }) => {
      const { rig, juliet } = await couple()
      await juliet.says(romeo.id, 'one')
      await eventually('the first', () => rig.heard.length === 1)
      await peer.cut!(romeo.id)
      await eventually('the end', () => rig.of('ended')[0])
      const again = await online(romeo, rig.kept)
      await juliet.says(romeo.id, 'two')
      await eventually('the second', () => again.heard.find(({ text }) => text === 'two'))
      expect([...rig.heard, ...again.heard].map(({ text }) => text)).toEqual(['one', 'two'])
      await again.send(juliet.id, 'three')
      await eventually('the third', () => textsOf(juliet.told).includes('three'))
      expect(textsOf(juliet.told)).toEqual(['three'])
    },
  )

  play('who is thrown out for another login is told so', { has: ['replace'] }, async ({ peer, couple }) => {
    const { rig } = await couple()
    await peer.replace!(rig.login.id)
    const ended = await eventually('the end', () => rig.of('ended')[0])
    expect(ended.error).toMatchObject({ name: 'AdapterError', failure: 'replaced' })
  })

  for (const [kind, bytes] of Object.entries(NONSENSE))
    play(`nonsense ends a session at most: ${kind}`, { has: ['garbage'] }, async ({ peer, romeo, online }) => {
      const rig = await online()
      await peer.garbage!(romeo.id, bytes)
      // Either it goes on, or it says that it has ended, and why.
      const juliet = await peer.person('juliet')
      await juliet.says(romeo.id, 'still there?').catch(() => undefined)
      await eventually('a sign', () => rig.heard[0] ?? rig.of('ended')[0])
      for (const { error } of rig.of('ended')) expect(error).toMatchObject({ name: 'AdapterError' })
      expect(rig.lines.filter(line => line.includes('the adapter failed'))).toEqual([])
      await rig.stop()
      await online()
    })

  play('a connection that is only half there is noticed', { has: ['freeze'] }, async ({ peer, couple }) => {
    const { rig } = await couple()
    await peer.freeze!(rig.login.id)
    // Some networks are given half a minute.
    rig.running.clock.hurry(20)
    let refused: unknown
    rig.do('ping').catch((error: unknown) => {
      refused = error
    })
    const noticed = await eventually('it is noticed', () => refused ?? rig.of('ended')[0]?.error)
    expect(noticed).toMatchObject({ name: 'AdapterError' })
  })

  play('a peer that is slow is waited for', { has: ['slow'] }, async ({ peer, romeo, online }) => {
    await peer.slow!()
    const rig = await online()
    const juliet = await peer.person('juliet')
    await juliet.says(romeo.id, 'slowly')
    await eventually('the message', () => rig.heard[0])
    await rig.send(juliet.id, 'as slowly')
    await eventually('the answer', () => textsOf(juliet.told).includes('as slowly'))
  })
}
