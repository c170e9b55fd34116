import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'
import { ADMIN, enters, MUC, makes, ROOM } from './room.ts'

const SM = 'urn:xmpp:sm:3'

/** Says the numbers from one to another. */
async function says(speaker: Actor, first: number, last: number): Promise<void> {
  for (let n = first; n <= last; n++)
    await speaker.sends`<message type="groupchat" to="${ROOM}" id="n${n}"><body>${n}</body></message>`
  await speaker.settles()
}

const numbers = (first: number, last: number) =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => String(first + n))

/** What somebody hears who enters, in order: lines, the subject, and what is said behind it. */
async function hears(actor: Actor, nick: string, x = `<x xmlns="${MUC}"/>`): Promise<readonly string[]> {
  await actor.sendsRaw(`<presence to="${ROOM}/${nick}">${x}</presence>`)
  await actor.fence()
  const heard = actor.unexpected
    .filter(({ name }) => name === 'message')
    .map(line => (line.child('subject') ? 'subject' : line.textOf('body')!))
  await actor.settles()
  return heard
}

async function goes(actor: Actor, nick: string): Promise<void> {
  await actor.sends`<presence type="unavailable" to="${ROOM}/${nick}"/>`
  await actor.settles()
}

async function belongs(owner: Actor, member: Actor): Promise<void> {
  await owner.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member" jid="${member.bare}"/></query></iq>`
  await owner.settles()
}

scenario('XEP-0045 § 7.2.13: a member who comes back hears all that was said meanwhile', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await belongs(romeo, juliet)
  await enters(juliet, 'juliet', ['romeo'])
  await says(romeo, 1, 5)
  await goes(juliet, 'juliet')
  await says(romeo, 6, 35)

  expect(await hears(juliet, 'juliet')).toEqual([...numbers(6, 35), 'subject'])
  await romeo.sends`<message type="groupchat" to="${ROOM}"><body>live</body></message>`
  await juliet.receives`<message type="groupchat" from="${ROOM}/romeo"><body>live</body></message>`
  await romeo.settles()
  // Nothing is missed now.
  await goes(juliet, 'juliet')
  expect(await hears(juliet, 'juliet')).toEqual(['subject'])
  await romeo.settles()
})

scenario(
  'XEP-0045 § 7.2.13: what is not in memory any more comes out of the archive, without a line twice',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo')
    await belongs(romeo, juliet)
    await enters(juliet, 'juliet', ['romeo'])
    await goes(juliet, 'juliet')
    await says(romeo, 1, 260)
    const entered = hears(juliet, 'juliet')
    for (let n = 261; n <= 280; n++)
      await romeo.sends`<message type="groupchat" to="${ROOM}"><body>${n}</body></message>`
    await romeo.fence()
    const before = await entered
    await juliet.fence()
    const heard = before.filter(line => line !== 'subject')
    // Some may have come behind the fence.
    expect(heard).toEqual(numbers(1, heard.length))
    expect(heard.length).toBeGreaterThanOrEqual(260)
    expect(before[Math.max(260, before.indexOf('subject'))]).toBe('subject')
    await romeo.settles()
  },
)

scenario('XEP-0045 § 7.2.14: a member who says how much hears that much', async ({ server, after, clock }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await belongs(romeo, juliet)
  await enters(juliet, 'juliet', ['romeo'])
  await goes(juliet, 'juliet')
  await says(romeo, 1, 25)
  await after('1m')
  const since = new Date(clock.now()).toISOString()
  await says(romeo, 26, 30)
  for (const [wish, heard] of [
    ['maxstanzas="2"', numbers(29, 30)],
    ['maxchars="0"', []],
    [`since="${since}"`, numbers(26, 30)],
    ['seconds="10"', numbers(26, 30)],
  ] as const) {
    expect(await hears(juliet, 'juliet', `<x xmlns="${MUC}"><history ${wish}/></x>`)).toEqual([...heard, 'subject'])
    await goes(juliet, 'juliet')
    await romeo.settles()
  }
})

scenario('XEP-0045 § 7.2.13: who does not belong to the room hears what everybody hears', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await goes(juliet, 'juliet')
  await says(romeo, 1, 30)
  expect(await hears(juliet, 'juliet')).toEqual([...numbers(11, 30), 'subject'])
  await romeo.settles()
})

scenario('XEP-0045 § 7.2.13: who belonged to the room in between hears what everybody hears', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await belongs(romeo, juliet)
  await enters(juliet, 'juliet', ['romeo'])
  await goes(juliet, 'juliet')
  await says(romeo, 1, 30)
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="none" jid="${juliet.bare}"/></query></iq>`
  await belongs(romeo, juliet)
  expect(await hears(juliet, 'juliet')).toEqual([...numbers(11, 30), 'subject'])
  await romeo.settles()
})

scenario('XEP-0045 § 7.2.13: what one client of a member has heard is not missed', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.connect('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await makes(romeo, 'romeo')
  await belongs(romeo, juliet)
  await enters(juliet, 'juliet', ['romeo'])
  await phone.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await phone.settles()
  await goes(juliet, 'juliet')
  await says(romeo, 1, 30)
  await goes(phone, 'juliet')
  await says(romeo, 31, 33)
  expect(await hears(juliet, 'juliet')).toEqual([...numbers(31, 33), 'subject'])
  // Somebody of hers is here: nothing is missed.
  expect(await hears(phone, 'juliet')).toEqual([...numbers(14, 33), 'subject'])
  for (const actor of [romeo, juliet]) await actor.settles()
})

scenario('XEP-0045 § 7.2.13: what a lost client did not take is missed', async ({ server, after }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.connect('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await makes(romeo, 'romeo')
  await belongs(romeo, phone)
  await phone.sends`<enable xmlns="${SM}" resume="true" max="60"/>`
  await phone.receives`<enabled xmlns="${SM}"/>`
  await enters(phone, 'juliet', ['romeo'])
  await romeo.sends`<message type="groupchat" to="${ROOM}"><body>taken</body></message>`
  await phone.receives`<message from="${ROOM}/romeo"><body>taken</body></message>`
  await phone.sends`<a xmlns="${SM}" h="4"/>`
  await phone.fence()
  await phone.losesConnection()
  await says(romeo, 1, 30)
  await after('2m')
  await says(romeo, 31, 32)
  expect(await hears(juliet, 'juliet')).toEqual([...numbers(1, 32), 'subject'])
  await romeo.settles()
})

scenario('XEP-0045 § 7.2.13: nobody is sent more than a thousand lines a minute', async ({ server, after }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await belongs(romeo, juliet)
  await enters(juliet, 'juliet', ['romeo'])
  await goes(juliet, 'juliet')
  for (let n = 1; n <= 1001; n += 91) await says(romeo, n, n + 90)
  const heard = await hears(juliet, 'juliet')
  expect(heard).toEqual([...numbers(2, 1001), 'subject'])
  // Who comes again at once hears what everybody hears.
  await goes(juliet, 'juliet')
  await says(romeo, 1002, 1031)
  expect(await hears(juliet, 'juliet')).toEqual([...numbers(1012, 1031), 'subject'])
  await goes(juliet, 'juliet')
  await says(romeo, 1032, 1061)
  await after('1m')
  expect(await hears(juliet, 'juliet')).toEqual([...numbers(1032, 1061), 'subject'])
  await romeo.settles()
})

scenario('XEP-0045 § 7.2.13: nor more than a client can take at once', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await belongs(romeo, juliet)
  await enters(juliet, 'juliet', ['romeo'])
  await goes(juliet, 'juliet')
  const long = 'x'.repeat(30_000)
  for (let n = 0; n < 50; n++) {
    await romeo.sends`<message type="groupchat" to="${ROOM}"><body>${n}</body><long xmlns="urn:x">${long}</long></message>`
    await romeo.settles()
  }
  const heard = await hears(juliet, 'juliet')
  expect(heard).toEqual([...numbers(50 - (heard.length - 1), 49), 'subject'])
  expect(heard.length).toBeGreaterThan(30)
  expect(heard.length).toBeLessThan(36)
  await romeo.settles()
})

scenario('XEP-0045 § 7.2.13: where the owners want no history, nobody gets any', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { 'muc#maxhistoryfetch': '0' })
  await belongs(romeo, juliet)
  await enters(juliet, 'juliet', ['romeo'])
  await goes(juliet, 'juliet')
  await says(romeo, 1, 3)
  expect(await hears(juliet, 'juliet')).toEqual(['subject'])
  await romeo.settles()
})
