import { randomBytes, randomInt } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { canonical, Ghosts } from './ids.ts'

describe('an address', () => {
  test.each([
    ['@Juliet:Verona.test', '@juliet:verona.test'],
    ['@a.b_c=d/e+f-:x:8448', '@a.b_c=d/e+f-:x:8448'],
    ['#Garden:verona.test', '#garden:verona.test'],
  ])('%s is %s', (raw, id) => {
    expect(canonical(raw)).toBe(id)
  })

  test.each([
    ...[
      '',
      '@',
      '@:x',
      '@a',
      '@a:',
      '#:x',
      'a:x',
      '!room:x',
      '@a b:x',
      '@ä:x',
      '#a b:x',
      '#a\n:x',
      '@a:x y',
      '@a:-x',
      '@a:x:y',
    ],
    `@${'a'.repeat(250)}:verona.test`,
  ])('%j is none', raw => {
    expect(canonical(raw)).toBeUndefined()
  })

  test('has one spelling, whatever is asked', () => {
    const signs = 'aZ@#!:._=/+- \n\0é\ud83d1İ'
    for (let round = 0; round < 20_000; round++) {
      const raw = `${['@', '#', ''][round % 3]}${Array.from({ length: randomInt(12) }, () => signs[randomInt(signs.length)]).join('')}`
      const id = canonical(raw)
      if (id !== undefined) expect(canonical(id)).toBe(id)
    }
  })
})

describe('the name of a user there', () => {
  const ghosts = new Ghosts('xmpp_', 'verona.test', 'example.org')

  test.each([
    ['romeo@example.org', '@xmpp_romeo:verona.test'],
    ["d'a=b@example.org", '@xmpp_d=27a=3db:verona.test'],
    ['юлия@example.org', '@xmpp_=d1=8e=d0=bb=d0=b8=d1=8f:verona.test'],
  ])('%s is %s', (user, id) => {
    expect(ghosts.idOf(user)).toBe(id)
    expect(ghosts.userOf(id)).toBe(user)
  })

  test('is written in one way only, and others are none of ours (threat 154)', () => {
    for (const local of ['=61', '=C3', '=ff', '=c3', '', 'A', 'a+b', '='])
      expect(ghosts.userOf(`@xmpp_${local}:verona.test`)).toBeUndefined()
    for (const id of ['@romeo:verona.test', '@xmpp_romeo:other.test', 'xmpp_romeo', '@xmpp_:verona.test'])
      expect(ghosts.userOf(id)).toBeUndefined()
  })

  test('comes back, whatever it is, and no two are one', () => {
    const seen = new Map<string, string>()
    for (let round = 0; round < 5000; round++) {
      const node = randomBytes(1 + randomInt(6)).toString('utf8')
      const id = ghosts.idOf(`${node}@example.org`)
      expect(ghosts.userOf(id)).toBe(`${node}@example.org`)
      expect(seen.get(id) ?? node).toBe(node)
      seen.set(id, node)
    }
  })
})
