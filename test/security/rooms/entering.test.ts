import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { ADMIN, enters, isRefused, MUC, makes, OWNER, ROOM } from '../../scenarios/room.ts'

const change = (actor: Actor, item: string) =>
  actor.asksRaw(`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}">${item}</query></iq>`)
const settle = async (...actors: readonly Actor[]) => {
  for (const actor of actors) await actor.settles()
}

scenario('threat 92: nobody makes rooms without end', async ({ server }) => {
  const config = { modules: { muc: { made: 3 } } }
  const [romeo] = await (await server('a.test', { config })).connect('romeo/orchard')
  for (let n = 0; n < 4; n++)
    await romeo.sendsRaw(`<presence to="r${n}@conference.a.test/romeo"><x xmlns="${MUC}"/></presence>`)
  await romeo.fence()
  const last = romeo.unexpected.at(-1)!
  expect([last.attrs['from'], last.attrs['type']]).toEqual(['r3@conference.a.test/romeo', 'error'])
  expect(String(last)).toContain('You make rooms too often')
  await settle(romeo)
})

scenario('threat 92: nobody has rooms without end', async ({ server }) => {
  const config = { modules: { muc: { owned: 2 } } }
  const [romeo, juliet] = await (await server('a.test', { config })).connect('romeo/orchard', 'juliet/balcony')
  const room = (name: string) => `${name}@conference.a.test`
  const makesRoom = async (actor: Actor, name: string) => {
    await actor.sends`<presence to="${room(name)}/${actor.jid.local}"><x xmlns="${MUC}"/></presence>`
    await actor.fence()
    const isMade = !actor.unexpected.some(({ attrs }) => attrs['type'] === 'error')
    if (!isMade) await isRefused(actor, 'presence', 'resource-constraint', 'You have too many rooms')
    else
      await actor.asksRaw(
        `<iq type="set" to="${room(name)}"><query xmlns="${OWNER}"><x xmlns="jabber:x:data" type="submit"><field var="muc#roomconfig_persistentroom"><value>1</value></field></x></query></iq>`,
      )
    await settle(actor)
    return isMade
  }
  expect([await makesRoom(romeo, 'r1'), await makesRoom(romeo, 'r2'), await makesRoom(romeo, 'r3')]).toEqual([
    true,
    true,
    false,
  ])
  // Others may. Whoever gives a room away has made it all the same, and nobody is bound by what was given.
  await romeo.asks`<iq type="set" to="${room('r1')}"><query xmlns="${ADMIN}"><item affiliation="owner" jid="${juliet.bare}"/></query></iq>`
  await juliet.asks`<iq type="set" to="${room('r1')}"><query xmlns="${ADMIN}"><item affiliation="none" jid="${romeo.bare}"/></query></iq>`
  await settle(romeo, juliet)
  expect([await makesRoom(romeo, 'r3'), await makesRoom(juliet, 'j1'), await makesRoom(juliet, 'j2')]).toEqual([
    false,
    true,
    true,
  ])
  await settle(romeo, juliet)
  // A room that is gone is none.
  await juliet.asks`<iq type="set" to="${room('r1')}"><query xmlns="${OWNER}"><destroy/></query></iq>`
  await settle(romeo, juliet)
  expect([await makesRoom(romeo, 'r3'), await makesRoom(romeo, 'r4')]).toEqual([true, false])
})

scenario('threat 93: passwords are not guessed', async ({ server, after }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { roomsecret: 'burn' })
  const tries = (password: string) =>
    juliet.sendsRaw(`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><password>${password}</password></x></presence>`)
  for (let n = 0; n < 10; n++) {
    await tries(`guess${n}`)
    await isRefused(juliet, 'presence', 'not-authorized', 'The room has another password')
  }
  // Not even the right one.
  await tries('burn')
  await isRefused(juliet, 'presence', 'resource-constraint', 'Too many wrong passwords')
  await after('1m')
  await tries('burn')
  await juliet.receives`<presence from="${ROOM}/romeo"/>`
  await settle(romeo, juliet)
})

scenario('threat 93: of a thousand passwords ten are looked at', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { roomsecret: 'burn' })
  for (let n = 0; n < 1000; n++)
    await juliet.sendsRaw(
      `<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><password>${n === 500 ? 'burn' : n}</password></x></presence>`,
    )
  await juliet.fence()
  const answers = juliet.unexpected.map(({ attrs }) => attrs['type'])
  expect(new Set(answers)).toEqual(new Set(['error']))
  const looked = juliet.unexpected.filter(presence => String(presence).includes('<not-authorized'))
  expect([looked.length, answers.length]).toEqual([10, 1000])
  await settle(juliet)
  await romeo.receivesNothing()
})

scenario('threat 96: a nick that belongs to another, or that nobody sees', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await change(romeo, '<item affiliation="member" jid="nurse@a.test" nick="nurse"/>')
  await enters(juliet, 'juliet', ['romeo'])
  await settle(romeo)
  for (const [nick, condition, text] of [
    ['nurse', 'conflict', 'The nick is kept for somebody else'],
    ['romeo', 'conflict', 'The nick is taken'],
    ['rom\u200Deo', 'not-acceptable', 'The nick has characters that nobody sees'],
    ['romeo ', 'not-acceptable', 'The nick has characters that nobody sees'],
  ] as const) {
    await juliet.sendsRaw(`<presence to="${ROOM}/${nick}"/>`)
    const answer = await juliet.client.next('an answer')
    const conditions = answer
      .child('error')!
      .elements()
      .map(({ name }) => name)
    // Some are no addresses at all.
    expect(conditions.some(name => name === condition || name === 'jid-malformed')).toBe(true)
    if (conditions.includes(condition)) expect(String(answer)).toContain(text)
  }
  await romeo.receivesNothing()
})

const CYRILLIC_O = '\u043e'

scenario('threat 96: a nick that looks like that of another', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await change(romeo, '<item affiliation="member" jid="nurse@a.test" nick="Nurse"/>')
  await settle(romeo)
  const text = { here: 'The nick looks like that of somebody here', kept: 'The nick is kept for somebody else' }
  const lookalikes = [
    ['Romeo', text.here],
    [`r${CYRILLIC_O}me${CYRILLIC_O}`, text.here],
    ['R\u041eMEO', text.here],
    ['\uff52omeo', text.here],
    ['NURSE', text.kept],
    ['nur\u0455e', text.kept],
  ] as const
  for (const [nick, why] of lookalikes) {
    await juliet.sends`<presence to="${ROOM}/${nick}"><x xmlns="${MUC}"/></presence>`
    await isRefused(juliet, 'presence', 'conflict', why)
  }
  // Nor by another name first.
  await enters(juliet, 'juliet', ['romeo'])
  await settle(romeo)
  for (const [nick, why] of lookalikes) {
    await juliet.sends`<presence to="${ROOM}/${nick}"/>`
    await isRefused(juliet, 'presence', 'conflict', why)
  }
  await romeo.receivesNothing()
})

scenario('threat 96: no list and no registration keeps a nick that looks like another', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await change(romeo, '<item affiliation="member" jid="nurse@a.test" nick="nurse"/>')
  const kept = await change(romeo, '<item affiliation="member" jid="paris@a.test" nick="Nurse"/>')
  expect(String(kept)).toContain('That nick is kept for another member')
  for (const [nick, why] of [
    ['Nurse', 'The nick is kept for somebody else'],
    [`R${CYRILLIC_O}meo`, 'The nick looks like that of somebody here'],
  ])
    await refused(
      juliet.asks`<iq type="set" to="${ROOM}"><query xmlns="jabber:iq:register"><x xmlns="jabber:x:data" type="submit"><field var="muc#register_roomnick"><value>${nick!}</value></field></x></query></iq>`,
      'conflict',
      why,
    )
  await settle(romeo)
})
