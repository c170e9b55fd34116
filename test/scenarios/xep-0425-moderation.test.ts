import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { type Element, parseElement } from '@parley/xml'
import { read } from './archive-reader.ts'
import { ADMIN, configures, enters, makes, ROOM, USER } from './room.ts'
import { archived, RETRACT, sees, speaks } from './room-lines.ts'

const MODERATE = 'urn:xmpp:message-moderate:1'
const OCCUPANT_ID = 'urn:xmpp:occupant-id:0'

/** A moderator takes back the line of that id. */
function moderates(actor: Actor, line: string, reason = '', what = `<retract xmlns="${RETRACT}"/>`): Promise<Element> {
  const xml = `<moderate xmlns="${MODERATE}" id="${line}">${what}${reason && `<reason>${reason}</reason>`}</moderate>`
  return actor.asks`<iq type="set" to="${ROOM}">${parseElement(xml)}</iq>`
}

scenario('XEP-0425 § 2: the room says that its moderators take back what others say', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  const info = await romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  expect(info.childrenNamed('feature').map(({ attrs }) => attrs['var'])).toContain(MODERATE)
})

scenario('XEP-0425 § 3.1: everybody hears of it, and the words are gone', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  const line = await speaks(juliet, 'pills', romeo)
  await moderates(romeo, line, 'Not here')
  for (const actor of [romeo, juliet])
    await actor.receives`<message type="groupchat" from="${ROOM}"><retract xmlns="${RETRACT}" id="${line}"><moderated xmlns="${MODERATE}" by="${ROOM}/romeo"><occupant-id xmlns="${OCCUPANT_ID}"/></moderated><reason>Not here</reason></retract><stanza-id xmlns="urn:xmpp:sid:0" by="${ROOM}"/></message>`

  // XEP-0425 § 4
  const { messages } = await read(juliet, { to: ROOM })
  const [tombstone, told] = messages
  const retracted = tombstone!.child('retracted', RETRACT)!
  expect(retracted.attrs['id']).toBe(told!.attrs['id'])
  expect(retracted.attrs['stamp']).toMatch(/^\d{4}-/)
  expect(retracted.child('moderated', MODERATE)!.attrs['by']).toBe(`${ROOM}/romeo`)
  expect(retracted.textOf('reason', RETRACT)).toBe('Not here')
  const ids = [tombstone!, retracted.child('moderated', MODERATE)!].map(
    element => element.child('occupant-id', OCCUPANT_ID)!.attrs['id'],
  )
  expect(new Set(ids).size).toBe(2)
  expect(messages.map(String).join('')).not.toMatch('pills<')
  const fields = { '{urn:xmpp:fulltext:0}fulltext': 'pills' }
  expect((await read(romeo, { to: ROOM, fields })).ids).toEqual([])

  const [shown, retraction] = await sees(nurse, 'nurse')
  expect(shown).toContain('<moderated')
  expect(shown).not.toContain('<body>')
  expect(retraction).toContain(`<retract xmlns="${RETRACT}" id="${line}"`)
  for (const actor of [romeo, juliet]) await actor.settles()
})

scenario('XEP-0425 § 3.1: once is enough', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item role="moderator" nick="juliet"/></query></iq>`
  await romeo.settles()
  const line = await speaks(romeo, 'pills')
  await Promise.all([moderates(romeo, line), moderates(juliet, line)])
  for (const actor of [romeo, juliet]) await actor.settles()
  const [tombstone, ...retractions] = await archived(romeo)
  expect(tombstone).toMatch(/^†[^†]+$/)
  expect(retractions).toEqual([`-${line}`])
})

scenario('XEP-0425 § 3.2: who is no moderator, and what cannot be', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  const line = await speaks(romeo, 'hail', juliet)
  for (const actor of [juliet, nurse])
    await refused(moderates(actor, line), 'forbidden', 'Only moderators take back what others say')
  for (const id of ['hail', '', '0000000000000', '🧙'])
    await refused(moderates(romeo, id), 'item-not-found', 'The room has no such line')
  const edit = `<replace xmlns="urn:xmpp:message-correct:0" id="${line}"/>`
  for (const what of ['', edit])
    await refused(moderates(romeo, line, '', what), 'bad-request', 'A moderator retracts, nothing else')
  expect(await archived(romeo)).toEqual(['hail'])
})

scenario('XEP-0425 § 3.2: that something was taken back cannot be taken back', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  await moderates(romeo, await speaks(romeo, 'hail'))
  const told = await romeo.client.next('the retraction')
  const id = told.child('stanza-id', 'urn:xmpp:sid:0')!.attrs['id']!
  await refused(moderates(romeo, id), 'item-not-found', 'The room has no such line')
})

scenario('XEP-0425 § 5: only the room says that a moderator has done something', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  const line = await speaks(romeo, 'hail', juliet)
  const moderated = `<moderated xmlns="${MODERATE}" by="${ROOM}/romeo"/>`
  await juliet.sendsRaw(
    `<message type="groupchat" to="${ROOM}" id="r"><body>forged</body>${moderated}<retract xmlns="${RETRACT}" id="${line}">${moderated}</retract><retracted xmlns="${RETRACT}" id="r">${moderated}</retracted></message>`,
  )
  for (const actor of [romeo, juliet]) {
    const heard = await actor.client.next('the line')
    expect(heard.elements().map(({ name }) => name)).toEqual(['body', 'occupant-id', 'stanza-id'])
  }
  expect(await archived(romeo)).toEqual(['hail', 'forged'])
})

scenario('XEP-0425 § 3: what was kept goes also when the room keeps nothing more', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  const line = await speaks(romeo, 'pills')
  await configures(romeo, { enablelogging: '0' })
  await romeo.receives`<message><x xmlns="${USER}"><status code="171"/></x></message>`
  await moderates(romeo, line)
  await romeo.receives`<message from="${ROOM}"><retract xmlns="${RETRACT}" id="${line}"/></message>`
  expect((await archived(romeo)).map(what => what[0])).toEqual(['†', '-'])
})
