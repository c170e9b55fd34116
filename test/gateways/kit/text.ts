import { expect } from '@jest/globals'
import { inCharset, splitText } from '@parley/gateway'
import type { Conformance } from './peer.ts'
import { plays } from './play.ts'
import { eventually, failureOf, textsOf } from './rig.ts'

/** What people write. Each fits into one message of any network. */
const TEXTS: Readonly<Record<string, string>> = {
  'as they are': 'But soft! What light through yonder window breaks?',
  'with letters of Europe': 'Ölçü à façon, naïve – “señor”',
  'with emoji': '👍🏽 👨‍👩‍👧‍👦 🇩🇪 🎭',
  'from right to left': 'שלום עולם — مرحبا بالعالم',
  'with combining marks': 'e\u0301 n\u0303 \u0e01\u0e33',
  'with markup, which is text': '<b>bold</b> &amp; <a href="javascript:alert(1)">%s</a> $1 {0} \\n',
  'that look like commands': '/quit QUIT :bye <presence type="unavailable"/>',
  'with spaces': '  two  spaces  ',
}
const MANY = 50

/** What is said, both ways. */
export function textPlays(conformance: Conformance): void {
  const play = plays(conformance)
  const { capabilities } = conformance.adapter
  const shown = (text: string) => (splitText(text, capabilities) ?? []).join('\n')

  for (const [kind, text] of Object.entries(TEXTS)) {
    play(`texts ${kind} arrive there`, {}, async ({ couple }) => {
      const { rig, juliet } = await couple()
      const ack = await rig.send(juliet.id, text)
      expect(['queued', 'sent', 'delivered']).toContain(ack.level)
      const heard = await eventually('the text', () => textsOf(juliet.told)[0])
      expect(heard.trim()).toBe(shown(text).trim())
    })

    play(`texts ${kind} arrive here`, {}, async ({ couple }) => {
      const { rig, juliet } = await couple()
      await juliet.says(rig.login.id, inCharset(text, capabilities.charset))
      const heard = await eventually('the text', () => rig.heard[0])
      expect(heard.peer).toBe(juliet.id)
      expect(heard.text.trim()).toBe(inCharset(text, capabilities.charset).trim())
    })
  }

  play('64 KB arrive whole and in order', {}, async ({ couple }) => {
    const { rig, juliet } = await couple()
    const words = 'wherefore art thou Romeo '.repeat(2700)
    const pieces = splitText(words, capabilities)
    if (pieces) {
      await rig.send(juliet.id, words)
      await eventually('all of it', () => textsOf(juliet.told).length >= pieces.length)
      expect(textsOf(juliet.told).map(each => each.trim())).toEqual(pieces)
    } else expect((await failureOf(rig.send(juliet.id, words))).failure).toBe('too-large')
  })

  play('lines stay lines, or become messages; none of them becomes a command', {}, async ({ couple }) => {
    const { rig, juliet } = await couple()
    await rig.send(juliet.id, 'first\r\nQUIT :bye\nNICK other\rlast\u0000\u0007')
    const expected = splitText('first\nQUIT :bye\nNICK other\nlast', capabilities)!
    await eventually('all lines', () => textsOf(juliet.told).length >= expected.length)
    expect(textsOf(juliet.told)).toEqual(expected)
    await juliet.says(rig.login.id, 'still there?')
    await eventually('the answer', () => rig.heard.find(({ text }) => text === 'still there?'))
  })

  play('many messages keep their order, there and here', {}, async ({ couple }) => {
    const { rig, juliet } = await couple()
    const numbers = Array.from({ length: MANY }, (_, index) => `line ${index}`)
    for (const text of numbers) await rig.send(juliet.id, text)
    await eventually('all there', () => textsOf(juliet.told).length === MANY)
    expect(textsOf(juliet.told)).toEqual(numbers)
    for (const text of numbers) await juliet.says(rig.login.id, text)
    await eventually('all here', () => rig.heard.length === MANY)
    expect(rig.heard.map(({ text }) => text)).toEqual(numbers)
    const ids = rig.heard.flatMap(({ id }) => (id === undefined ? [] : [id]))
    expect(new Set(ids).size).toBe(ids.length)
  })

  play('what comes again under the same key is said once', {}, async ({ couple }) => {
    const { rig, juliet } = await couple()
    const key = { key: 'the same' }
    const first = await rig.send(juliet.id, 'once', key)
    const again = await rig.send(juliet.id, 'once', key)
    expect(again.id).toBe(first.id)
    await rig.send(juliet.id, 'and no more')
    await eventually('the end', () => textsOf(juliet.told).includes('and no more'))
    expect(textsOf(juliet.told)).toEqual(['once', 'and no more'])
  })

  play('to somebody who does not exist it is said that there is nobody', { has: ['strangers'] }, async stage => {
    const rig = await stage.online()
    const sent = rig.send(stage.peer.stranger!, 'hello?').then(
      () => eventually('the bounce', () => rig.of('bounced')[0]?.error),
      (error: unknown) => error,
    )
    expect(await sent).toMatchObject({ name: 'AdapterError', failure: 'not-found' })
  })

  play(
    'what somebody said while the user was away is heard later, with its time',
    {
      can: ['offlineQueue in'],
      has: ['offline'],
    },
    async ({ peer, romeo, online, acquaint }) => {
      const juliet = await peer.person('juliet')
      // Where nobody logs in and people see each other, somebody is known there who was there.
      const isKnown = romeo.user !== undefined && conformance.has.includes('contacts')
      const kept = isKnown ? await acquaint(juliet) : undefined
      await juliet.says(romeo.id, 'while you were away')
      const rig = await online(romeo, kept)
      const heard = await eventually('the message', () => rig.heard[0])
      expect(heard.text).toBe('while you were away')
      expect(heard.at).toBeDefined()
      await rig.stop()
      const again = await online(romeo, rig.kept)
      await juliet.says(romeo.id, 'and now')
      await eventually('the next one', () => again.heard.find(({ text }) => text === 'and now'))
      expect(again.heard).toHaveLength(1)
    },
  )

  play(
    'what the user says with another program is heard as such',
    {
      can: ['ownEcho in'],
      has: ['elsewhere'],
    },
    async ({ peer, romeo, couple }) => {
      const { rig, juliet } = await couple()
      const other = await peer.elsewhere!(romeo)
      await other.says(juliet.id, 'from my telephone')
      const heard = await eventually('the echo', () => rig.of('message')[0])
      expect(heard).toMatchObject({ origin: 'self-elsewhere', peer: juliet.id, text: 'from my telephone' })
    },
  )

  play('an echo of what was sent is no message of somebody else, and has its id', {}, async ({ couple }) => {
    const { rig, juliet } = await couple()
    const ack = await rig.send(juliet.id, 'good night')
    await juliet.says(rig.login.id, 'good night, good night')
    await eventually('the answer', () => rig.heard[0])
    for (const { origin, text, id } of rig.of('message')) {
      expect(origin).toBe(text === 'good night' ? 'self-echo' : 'remote')
      if (origin === 'self-echo') expect(id).toBe(ack.id)
    }
  })
}
