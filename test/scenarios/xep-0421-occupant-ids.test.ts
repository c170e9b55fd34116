import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'
import type { Element } from '@parley/xml'
import { read } from './archive-reader.ts'
import { ADMIN, configures, enters, MUC, makes, OWNER, ROOM } from './room.ts'

const NS = 'urn:xmpp:occupant-id:0'
const DISCO_INFO = 'http://jabber.org/protocol/disco#info'
const FORGED = `<occupant-id xmlns="${NS}" id="forged"/>`

const idsIn = (stanza: Element) => stanza.childrenNamed('occupant-id', NS).map(({ attrs }) => attrs['id'])

scenario('XEP-0421 § 3: an occupant has the same id at every visit', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const ids: (string | undefined)[] = []
  for (const nick of ['juliet', 'capulet']) {
    await enters(juliet, nick, ['romeo'])
    const presence = await romeo.client.next('the entry')
    ids.push(presence.child('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs['id'])
    await juliet.sends`<presence type="unavailable" to="${ROOM}/${nick}"/>`
    for (const actor of [juliet, romeo]) await actor.settles()
  }
  expect(ids[0]).toEqual(expect.any(String))
  expect(ids[1]).toBe(ids[0])
})

scenario('XEP-0421 § 2, § 4: rooms and their service say that they give ids', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  for (const to of [ROOM, 'conference.a.test']) {
    const info = await romeo.asks`<iq type="get" to="${to}"><query xmlns="${DISCO_INFO}"/></iq>`
    expect(info.childrenNamed('feature').map(({ attrs }) => attrs['var'])).toContain(NS)
  }
})

scenario('XEP-0421 § 4.1: nobody has the id of another, nor the same one in another room', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, phone] = await stage.connect('romeo/orchard', 'juliet/balcony', 'juliet/phone')
  await makes(romeo, 'romeo')
  const idOf = async (actor: Actor, room: string, nick: string) => {
    await actor.sends`<presence to="${room}/${nick}"><x xmlns="${MUC}"/></presence>`
    await actor.fence()
    const own = actor.unexpected.find(({ attrs }) => attrs['from'] === `${room}/${nick}`)!
    const [id] = idsIn(own)
    for (const other of [romeo, juliet, phone]) await other.settles()
    return id!
  }
  const ids = [
    await idOf(romeo, ROOM, 'romeo'),
    await idOf(juliet, ROOM, 'juliet'),
    await idOf(juliet, 'heath@conference.a.test', 'juliet'),
  ]
  expect(new Set(ids).size).toBe(3)
  // "A user … is identified by its real bare JID."
  expect(await idOf(phone, ROOM, 'other')).toBe(ids[1])
  for (const id of ids) {
    expect(id.length).toBeLessThanOrEqual(128)
    expect(id).not.toContain('juliet')
  }
})

scenario('XEP-0421 § 4: every presence and every message of an occupant has its id', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { persistentroom: '1' })
  await enters(juliet, 'juliet', ['romeo'])
  const [id] = idsIn(await romeo.client.next('the entry'))
  await juliet.sends`<presence to="${ROOM}/fairest"/>`
  await juliet.sends`<presence to="${ROOM}/fairest"><show>away</show></presence>`
  await juliet.sends`<message type="groupchat" to="${ROOM}"><body>Hail</body></message>`
  await juliet.sends`<message type="groupchat" to="${ROOM}"><subject>Fire</subject></message>`
  await juliet.sends`<message type="chat" to="${ROOM}/romeo"><body>Psst</body></message>`
  await juliet.fence()
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item nick="fairest" role="none"/></query></iq>`
  await romeo.fence()
  const seen = romeo.unexpected.map(stanza => [stanza.name, stanza.attrs['type'], ...idsIn(stanza)])
  expect(seen.sort()).toEqual(
    [
      ['message', 'chat', id],
      ['message', 'groupchat', id],
      ['message', 'groupchat', id],
      ['presence', 'unavailable', id],
      ['presence', undefined, id],
      ['presence', undefined, id],
      ['presence', 'unavailable', id],
    ].sort(),
  )
  for (const actor of [romeo, juliet]) await actor.settles()

  // In what is told to those who come, in the archive, and to whoever thinks to be here.
  await juliet.sends`<presence to="${ROOM}/juliet"/>`
  expect(idsIn(await juliet.client.next('that she is not here'))).toEqual([id])
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await juliet.fence()
  expect(juliet.unexpected.map(stanza => idsIn(stanza).length)).toEqual([1, 1, 1, 1])
  for (const actor of [romeo, juliet]) await actor.settles()
  const { messages } = await read(juliet, { to: ROOM })
  expect(messages.map(idsIn)).toEqual(messages.map(() => [id]))

  // Nor is the end of the room without.
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}"><destroy/></query></iq>`
  expect(idsIn(await juliet.client.next('the end'))).toEqual([id])
  await romeo.settles()
})

scenario('XEP-0421 § 4: an id that somebody has made up is replaced', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await configures(romeo, {})
  await romeo.settles()
  // "the MUC service MUST replace such element before reflecting the message or presence including it".
  await juliet.sendsRaw(`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/>${FORGED}</presence>`)
  await juliet.fence()
  const [id] = idsIn(juliet.unexpected[1]!)
  await juliet.settles()
  await juliet.sendsRaw(`<presence to="${ROOM}/juliet">${FORGED}<show>away</show>${FORGED}</presence>`)
  await juliet.sendsRaw(`<presence to="${ROOM}/fairest">${FORGED}</presence>`)
  await juliet.sendsRaw(`<message type="groupchat" to="${ROOM}">${FORGED}<body>Hail</body>${FORGED}</message>`)
  await juliet.sendsRaw(`<message type="groupchat" to="${ROOM}">${FORGED}<subject>Fire</subject></message>`)
  await juliet.sendsRaw(`<message type="chat" to="${ROOM}/romeo">${FORGED}<body>Psst</body></message>`)
  await juliet.sendsRaw(`<presence type="unavailable" to="${ROOM}/fairest">${FORGED}<status>Bye</status></presence>`)
  await juliet.fence()
  await romeo.fence()
  expect(romeo.unexpected).toHaveLength(8)
  for (const stanza of romeo.unexpected) expect(idsIn(stanza)).toEqual([id])
  for (const actor of [romeo, juliet]) await actor.settles()
})
