import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'
import type { Element } from '@parley/xml'
import { ADMIN, enters, makes, OWNER, ROOM } from './room.ts'

const EXPLICIT = 'urn:xmpp:mentions:0'

async function says(actor: Actor, body: string, more: string): Promise<void> {
  await actor.sendsRaw(`<message type="groupchat" to="${ROOM}"><body>${body}</body>${more}</message>`)
  await actor.receives`<message type="groupchat" from="${ROOM}/romeo"><body>${body}</body></message>`
}

scenario('XEP-0513 § 3.1: a member is mentioned by occupant id, or by address', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member" jid="${juliet.bare}"/></query></iq>`
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.fence()
  const id = romeo.unexpected
    .flatMap(presence => presence.child('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs['id'] ?? [])
    .at(-1)
  await juliet.sends`<presence to="${ROOM}/juliet" type="unavailable"/>`
  await juliet.settles()
  await romeo.settles()
  for (const who of [`occupantid="${id}"`, `jid="${juliet.bare}"`]) {
    await says(romeo, 'Hello', `<mention xmlns="${EXPLICIT}" begin="0" end="5" ${who}/>`)
    await juliet.receives`<message from="${ROOM}"><mentions xmlns="urn:xmpp:mmn:0"/></message>`
  }
})

scenario('XEP-0513 § 3.5: who shall not be disturbed is not, and groups are those who are here', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member" jid="${juliet.bare}"/></query></iq>`
  await romeo.settles()
  await says(romeo, 'a', `<mention xmlns="${EXPLICIT}" jid="${juliet.bare}"><noping/></mention>`)
  await says(romeo, 'b', `<mention xmlns="${EXPLICIT}" jid="${juliet.bare}"><active/></mention>`)
  for (const group of ['channel', 'member', 'server']) {
    await says(romeo, group, `<mention xmlns="${EXPLICIT}" jid="${juliet.bare}" mentions="${EXPLICIT}#${group}"/>`)
  }
  await says(romeo, 'c', `<mention xmlns="${EXPLICIT}" occupantid="made up"/>`)
  await juliet.receivesNothing()
})

const permits = (actor: Actor, ...fields: readonly (readonly [name: string, value: string])[]) => {
  const written = fields.map(([name, value]) => `<field var="mentions#${name}"><value>${value}</value></field>`)
  const form = `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>${EXPLICIT}</value></field>${written.join('')}</x>`
  return actor.asksRaw(`<iq type="set" to="${ROOM}"><query xmlns="${EXPLICIT}">${form}</query></iq>`)
}

const textOf = (answer: Element) => answer.child('error')?.child('text', 'urn:ietf:params:xml:ns:xmpp-stanzas')?.text()

scenario('XEP-0513 § 3.6: owners say who may mention somebody, and how many at once', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member" jid="${juliet.bare}"/></query></iq>`
  await enters(nurse, 'nurse', ['romeo'])
  await romeo.settles()
  const answer = await nurse.asks`<iq type="get" to="${ROOM}"><query xmlns="${EXPLICIT}"/></iq>`
  const fields = answer.child('x', 'jabber:x:data')?.childrenNamed('field')
  expect(fields?.map(({ attrs }) => attrs['var'])).toEqual(['FORM_TYPE', 'mentions#count', 'mentions#individual'])
  const info = await nurse.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  expect(info.childrenNamed('feature').map(({ attrs }) => attrs['var'])).toContain(EXPLICIT)

  const her = `<mention xmlns="${EXPLICIT}" jid="${juliet.bare}"/>`
  const mentions = async (actor: Actor, more: string) => {
    await actor.sendsRaw(`<message type="groupchat" to="${ROOM}"><body>Hey</body>${more}</message>`)
    for (const one of [romeo, nurse]) await one.receives`<message type="groupchat"><body>Hey</body></message>`
  }
  await mentions(nurse, her)
  await juliet.receives`<message from="${ROOM}"><mentions xmlns="urn:xmpp:mmn:0"/></message>`

  expect((await permits(romeo, ['individual', 'moderators'], ['count', '10'])).attrs['type']).toBe('result')
  for (const actor of [romeo, nurse])
    await actor.receives`<message type="groupchat" from="${ROOM}"><x xmlns="jabber:x:data" type="result"><field var="mentions#individual"><value>moderators</value></field></x></message>`
  await mentions(nurse, her)
  await juliet.receivesNothing()
  await mentions(romeo, her)
  await juliet.receives`<message from="${ROOM}"><mentions xmlns="urn:xmpp:mmn:0"/></message>`
  await permits(romeo, ['count', '1'])
  for (const actor of [romeo, nurse])
    await actor.receives`<message type="groupchat" from="${ROOM}"><x xmlns="jabber:x:data" type="result"><field var="mentions#count"><value>1</value></field></x></message>`
  await mentions(romeo, her + her)
  await permits(romeo, ['individual', 'none'])
  for (const actor of [romeo, nurse]) await actor.settles()
  await mentions(romeo, her)
  await juliet.receivesNothing()
})

scenario('XEP-0513 § 3.6: nobody else says so, and not just anything', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  expect(textOf(await permits(juliet, ['count', '1']))).toBe('Only owners say who may mention whom')
  expect(textOf(await romeo.asksRaw(`<iq type="set" to="${ROOM}"><query xmlns="${EXPLICIT}"/></iq>`))).toBe(
    'A form with the permissions is needed',
  )
  // The settings of another form are none of this one.
  expect(textOf(await permits(romeo, ['other', '1']))).toBe('The room has no such setting')
  for (const [name, value] of [
    ['count', '21'],
    ['individual', 'romeo'],
  ] as const) {
    expect((await permits(romeo, [name, value])).child('error')?.attrs['type']).toBe('modify')
  }
  const own = `<field var="mentions#count"><value>1</value></field>`
  const form = `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#roomconfig</value></field>${own}</x>`
  expect(textOf(await romeo.asksRaw(`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}">${form}</query></iq>`))).toBe(
    'The room has no such setting',
  )
  await romeo.receivesNothing()
})
