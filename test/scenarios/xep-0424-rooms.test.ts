import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'
import { read } from './archive-reader.ts'
import { configures, enters, MUC, makes, ROOM } from './room.ts'
import { archived, RETRACT, sees, speaks } from './room-lines.ts'

/** Takes back the line that has that id in the room; everybody hears of it. */
async function retracts(actor: Actor, line: string, ...others: readonly Actor[]): Promise<void> {
  await actor.sendsRaw(
    `<message type="groupchat" to="${ROOM}" id="r"><retract xmlns="${RETRACT}" id="${line}"/><body>/me took it back</body></message>`,
  )
  for (const other of [actor, ...others])
    await other.receives`<message type="groupchat" id="r"><retract xmlns="${RETRACT}" id="${line}"/></message>`
  await actor.fence()
}

scenario('XEP-0424 § 2: a room that keeps what is said obeys retractions', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  const features = async () => {
    const info =
      await romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
    return info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
  }
  expect(await features()).toEqual(expect.arrayContaining([RETRACT, `${RETRACT}#tombstone`]))
  await configures(romeo, { enablelogging: '0' })
  await romeo.settles()
  expect(await features()).not.toContain(RETRACT)
})

scenario('XEP-0424 § 4: what is taken back in a room is in no archive and in no history', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await speaks(romeo, 'hail', juliet)
  await juliet.sends`<message type="groupchat" to="${ROOM}" id="m1"><body>macbeth</body><origin-id xmlns="urn:xmpp:sid:0" id="m1"><body>macbeth</body></origin-id></message>`
  await romeo.receives`<message><body>macbeth</body></message>`
  const line = (await juliet.client.next('the line')).child('stanza-id', 'urn:xmpp:sid:0')!.attrs['id']!
  await retracts(juliet, line, romeo)

  for (const actor of [romeo, juliet]) expect(await archived(actor)).toEqual(['hail', '†r', `-${line}`])
  const [, tombstone] = (await read(romeo, { to: ROOM })).messages
  expect(tombstone!.attrs).toMatchObject({ from: `${ROOM}/juliet`, type: 'groupchat', id: 'm1' })
  // The last of it tells an owner who spoke (XEP-0313 §6.1.2).
  expect(tombstone!.elements().map(({ name }) => name)).toEqual(['retracted', 'origin-id', 'occupant-id', 'x'])
  expect(tombstone!.child('retracted', RETRACT)!.attrs['stamp']).toMatch(/^\d{4}-/)
  for (const [word, found] of [
    ['macbeth', 0],
    ['hail', 1],
  ] as const) {
    const { ids } = await read(romeo, { to: ROOM, fields: { '{urn:xmpp:fulltext:0}fulltext': word } })
    expect([word, ids.length]).toEqual([word, found])
  }

  const [first, second, third] = await sees(nurse, 'nurse')
  expect(first).toContain('hail')
  expect(second).toContain('<retracted')
  expect(second).not.toContain('macbeth')
  expect(second).toContain(line)
  expect(third).toContain(`<retract xmlns="${RETRACT}" id="${line}"`)
  for (const actor of [romeo, juliet]) await actor.settles()
})

scenario('XEP-0424 § 5: who was away learns of it by reading on', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  const line = await speaks(romeo, 'macbeth', juliet)
  await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
  await juliet.settles()
  await romeo.settles()
  await retracts(romeo, line)
  const { messages } = await read(juliet, { to: ROOM, rsm: `<after>${line}</after>` })
  expect(messages.map(message => message.child('retract', RETRACT)?.attrs['id'])).toEqual([line])
})

scenario('XEP-0424 § 5: in a room too only who said it takes it back, under any nick', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  const line = await speaks(juliet, 'macbeth', romeo)
  await juliet.sends`<presence to="${ROOM}/fairest"/>`
  for (const actor of [juliet, romeo]) await actor.settles()

  // Somebody else, with the nick under which it was said.
  await sees(nurse, 'juliet')
  for (const actor of [juliet, romeo]) await actor.settles()
  await retracts(nurse, line, juliet, romeo)
  expect(await archived(romeo)).toEqual(['macbeth', `-${line}`])

  await retracts(juliet, line, romeo, nurse)
  expect(await archived(romeo)).toEqual(['†r', `-${line}`, `-${line}`])
})

scenario('XEP-0424 § 5.1: by another id than the room’s nothing is taken back', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  const line = await speaks(romeo, 'macbeth')
  for (const id of ['macbeth', '0000000000000', '']) await retracts(romeo, id)
  await romeo.sends`<message type="groupchat" to="${ROOM}"><retract xmlns="${RETRACT}" id="${line}"/></message>`
  await romeo.settles()
  expect((await archived(romeo))[0]).toBe('macbeth')
})

scenario('XEP-0424 § 4: an occupant cannot make a tombstone of its own', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  // It would be taken for one that is there already, and the words would stay.
  await juliet.sends`<message type="groupchat" to="${ROOM}"><retracted xmlns="${RETRACT}" id="x"/><body>pills</body></message>`
  const heard = await romeo.client.next('the line')
  expect(heard.child('retracted', RETRACT)).toBeUndefined()
  const line = heard.child('stanza-id', 'urn:xmpp:sid:0')!.attrs['id']!
  await juliet.settles()
  await retracts(juliet, line, romeo)
  expect(await archived(romeo)).toEqual(['†r', `-${line}`])
})

scenario('XEP-0424 § 5: a room that is read again from the store still has the tombstone', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  await makes(romeo, 'romeo', { persistentroom: '1' })
  await retracts(romeo, await speaks(romeo, 'macbeth'))
  await romeo.leaves()
  await stage.stop()

  const [juliet] = await (await server('a.test')).connect('juliet/balcony')
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await juliet.receives`<presence from="${ROOM}/juliet"/>`
  await juliet.receives`<message from="${ROOM}/romeo"><retracted xmlns="${RETRACT}" id="r"/></message>`
  await juliet.receives`<message from="${ROOM}/romeo"><retract xmlns="${RETRACT}"/></message>`
  await juliet.receives`<message type="groupchat"><subject/></message>`
})
