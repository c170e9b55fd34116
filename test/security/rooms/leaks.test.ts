import { expect } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Body, Iq, type Stanza } from '@parley/stanza'
import { type Actor, refused, scenario } from '@parley/testkit'
import { el } from '@parley/xml'
import { read } from '../../scenarios/archive-reader.ts'
import { ADMIN, enters, MUC, makes, ROOM, USER } from '../../scenarios/room.ts'

const MAM = 'urn:xmpp:mam:2'
const JULIET = 'juliet@a.test'

/** What came that shows who Juliet is. */
const shows = (actor: Actor) => actor.unexpected.map(String).filter(xml => xml.includes(JULIET))

/** A room that hides addresses, with its owner, Juliet and a guest. */
async function play(romeo: Actor, juliet: Actor, nurse: Actor): Promise<void> {
  await makes(romeo, 'romeo')
  await enters(juliet, 'witch', ['romeo'])
  await enters(nurse, 'nurse', ['romeo', 'witch'])
  for (const actor of [romeo, juliet, nurse]) await actor.settles()
}

scenario('threat 87: an error that comes back shows no address', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await play(romeo, juliet, nurse)
  // A request that Juliet's client refuses, and what the room refuses itself.
  await nurse.sends`<iq type="get" id="v" to="${ROOM}/witch"><query xmlns="jabber:iq:version"/></iq>`
  const asked = await juliet.client.next('the request')
  expect(String(asked)).not.toContain(nurse.bare.text)
  await juliet.sends`<iq type="error" id="${asked.attrs['id']!}" to="${ROOM}/nurse"><query xmlns="jabber:iq:version"/><error type="cancel" by="${juliet}"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`
  await nurse.sends`<presence to="${ROOM}/witch"/>`
  await nurse.sends`<iq type="set" id="k" to="${ROOM}"><query xmlns="${ADMIN}"><item nick="witch" role="none"/></query></iq>`
  await nurse.fence()
  expect(nurse.unexpected.filter(({ attrs }) => attrs['type'] === 'error')).toHaveLength(3)
  expect(shows(nurse)).toEqual([])
  for (const actor of [romeo, juliet, nurse]) await actor.settles()
})

scenario('threat 87: a vCard comes by way of the room', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await juliet.asks`<iq type="set"><vCard xmlns="vcard-temp"><FN>Witch</FN></vCard></iq>`
  await play(romeo, juliet, nurse)
  await nurse.sends`<iq type="get" id="c" to="${ROOM}/witch"><vCard xmlns="vcard-temp"/></iq>`
  await nurse.fence()
  expect(shows(nurse)).toEqual([])
  await nurse.receives`<iq type="result" id="c" from="${ROOM}/witch"><vCard xmlns="vcard-temp"><FN>Witch</FN></vCard></iq>`
  // Nor does whoever is asked see who asks.
  expect(juliet.unexpected.map(String).filter(xml => xml.includes(nurse.bare.text))).toEqual([])
  for (const actor of [romeo, juliet]) await actor.settles()
})

scenario('threat 87: an invitation shows the nick of who invites', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse, tybalt] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/x', 'tybalt/x')
  await tybalt.sends`<presence/>`
  await tybalt.settles()
  await play(romeo, juliet, nurse)
  await juliet.sends`<message to="${ROOM}"><x xmlns="${USER}"><invite from="${juliet}" to="${tybalt.bare}"><reason>Come</reason></invite></x></message>`
  await tybalt.client.until(() => tybalt.unexpected.length > 0, 'the invitation')
  expect(shows(tybalt)).toEqual([])
  await tybalt.receives`<message from="${ROOM}"><x xmlns="${USER}"><invite from="${ROOM}/witch"><reason>Come</reason></invite></x></message>`
  for (const actor of [romeo, juliet, nurse]) await actor.settles()
})

scenario('threat 87: neither the archive nor the history shows an address', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await play(romeo, juliet, nurse)
  // Not even where the client has said it itself.
  await juliet.sends`<message type="groupchat" to="${ROOM}"><body>Hail</body><x xmlns="${USER}"><item jid="${juliet}"/></x></message>`
  await juliet.sends`<message type="groupchat" to="${ROOM}"><subject>Fire</subject></message>`
  for (const actor of [romeo, juliet, nurse]) await actor.settles()
  const { messages } = await read(nurse, { to: ROOM })
  expect(messages).toHaveLength(2)
  expect(messages.map(String).filter(xml => xml.includes(JULIET))).toEqual([])
  await nurse.sends`<presence type="unavailable" to="${ROOM}/nurse"/>`
  await nurse.sends`<presence to="${ROOM}/nurse"><x xmlns="${MUC}"/></presence>`
  await nurse.fence()
  expect(nurse.unexpected.length).toBeGreaterThanOrEqual(5)
  expect(shows(nurse)).toEqual([])
  for (const actor of [romeo, juliet, nurse]) await actor.settles()
})

scenario('threat 87: no line of the log tells who is who in a room', async ({ server }) => {
  const lines: string[] = []
  const logTo = (line: string) => {
    if (!/"level":"trace"/.test(line)) lines.push(line)
  }
  const stage = await server('a.test', { logTo })
  const [romeo, juliet, nurse] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await play(romeo, juliet, nurse)
  await juliet.sends`<message type="groupchat" to="${ROOM}"><body>Hail</body></message>`
  await juliet.sends`<message type="chat" to="${ROOM}/nobody"><body>Psst</body></message>`
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item nick="witch" role="none"/></query></iq>`
  for (const actor of [romeo, juliet, nurse]) await actor.settles()
  expect(lines.length).toBeGreaterThan(0)
  expect(lines.filter(line => line.includes(JULIET) && line.includes('witch'))).toEqual([])
})

scenario('threat 98: an outsider reads no archive of a closed room, whatever is asked of it', async ({ server }) => {
  for (const settings of [{ membersonly: '1' }, { roomsecret: 'burn' }] as const) {
    const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo', settings)
    await romeo.sends`<message type="groupchat" to="${ROOM}"><body>secret</body></message>`
    await romeo.settles()
    const text = 'The archive of this room is not for you'
    await refused(juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="${MAM}"/></iq>`, 'forbidden', text)
    await refused(juliet.asks`<iq type="get" to="${ROOM}"><metadata xmlns="${MAM}"/></iq>`, 'forbidden', text)
    await refused(juliet.asks`<iq type="set" to="${ROOM}"><query xmlns="${MAM}"/></iq>`, 'forbidden', text)
    await refused(
      juliet.asks`<iq type="set" to="${ROOM}"><query xmlns="${MAM}"><x xmlns="jabber:x:data" type="submit"><field var="with"><value>${romeo.bare}</value></field></x></query></iq>`,
      'forbidden',
      text,
    )
    await juliet.receivesNothing()
    await romeo.leaves()
  }
})

scenario('threat 98: nor does it open to a component, or to the server of a domain', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  await makes(romeo, 'romeo', { membersonly: '1' })
  await romeo.sends`<message type="groupchat" to="${ROOM}"><body>secret</body></message>`
  await romeo.settles()
  const answers: Stanza[] = []
  stage.core.router.components.set('irc.test', stanza => void answers.push(stanza))
  for (const from of ['irc.test', 'romeo@irc.test/orchard']) {
    const head = { type: 'set', id: 'q', from: Jid.parse(from), to: Jid.parse(ROOM) } as const
    await stage.core.router.route(new Iq(head, Body.of([el('query', MAM)])))
  }
  expect(answers.map(({ type, body }) => `${type} ${/<forbidden/.test(body.xml)}`)).toEqual([
    'error true',
    'error true',
  ])
})
