import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { parseElement } from '@parley/xml'
import { ADMIN, configures, enters, isRefused, MUC, makes, OWNER, ROOM, USER } from '../../scenarios/room.ts'

const DISCO_INFO = 'http://jabber.org/protocol/disco#info'
const MAM = 'urn:xmpp:mam:2'
const PING = 'urn:xmpp:ping'

const change = (actor: Actor, item: string) =>
  actor.asksRaw(`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}">${item}</query></iq>`)
const list = async (actor: Actor, affiliation: string) => {
  const answer = await actor.asksRaw(
    `<iq type="get" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="${affiliation}"/></query></iq>`,
  )
  return answer
    .firstElement()!
    .elements()
    .map(({ attrs }) => attrs['jid'])
}
const settle = async (...actors: readonly Actor[]) => {
  for (const actor of actors) await actor.settles()
}

scenario('threat 81: outsiders and visitors read no lists', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { moderatedroom: '1', whois: 'anyone', getmemberlist: 'participant' })
  for (const inside of [false, true]) {
    if (inside) await enters(juliet, 'juliet', ['romeo'])
    for (const affiliation of ['owner', 'admin', 'member', 'outcast'])
      await refused(
        juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="${ADMIN}">${parseElement(
          `<item xmlns="${ADMIN}" affiliation="${affiliation}"/>`,
        )}</query></iq>`,
        'forbidden',
      )
  }
  await settle(romeo)
})

scenario('threat 82: owners who demote each other at once leave an owner', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { persistentroom: '1' })
  for (let round = 0; round < 20; round++) {
    await change(romeo, `<item affiliation="owner" jid="${juliet.bare}"/>`)
    await Promise.all([
      change(romeo, `<item affiliation="none" jid="${juliet.bare}"/>`),
      change(juliet, `<item affiliation="none" jid="${romeo.bare}"/>`),
    ])
    const [owner] = await Promise.all(
      [romeo, juliet].map(async actor => [actor, await list(actor, 'owner').catch(() => [])] as const),
    ).then(all => all.filter(([, owners]) => owners.length > 0).map(([actor]) => actor))
    expect(owner).toBeDefined()
    await change(owner!, `<item affiliation="owner" jid="${romeo.bare}"/>`)
    await change(romeo, `<item affiliation="owner" jid="${romeo.bare}"/>`)
  }
  await settle(romeo, juliet)
})

scenario('threat 83: nothing of somebody comes behind the ban', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await settle(romeo, juliet)
  const banned = change(romeo, `<item affiliation="outcast" jid="${juliet.bare}"/>`)
  for (let n = 0; n < 50; n++)
    await juliet.sendsRaw(`<message type="groupchat" to="${ROOM}"><body>${n}</body></message>`)
  await banned
  await juliet.fence()
  await romeo.fence()
  const seen = romeo.unexpected.map(({ name, attrs }) => (name === 'presence' ? attrs['type'] : name))
  const end = seen.indexOf('unavailable')
  expect(end).toBeGreaterThanOrEqual(0)
  expect(seen.slice(end + 1).filter(name => name === 'message')).toEqual([])
  await settle(romeo, juliet)
})

scenario(
  'threat 84: of those who come at once one has the nick, and one has made the room (threat 85: too)',
  async ({ server }) => {
    const names = ['romeo/orchard', 'juliet/balcony', 'nurse/x', 'tybalt/x'] as const
    const actors = await (await server('a.test')).connect(...names)
    await Promise.all(actors.map(actor => actor.sends`<presence to="${ROOM}/witch"><x xmlns="${MUC}"/></presence>`))
    await Promise.all(actors.map(actor => actor.fence()))
    const inside = actors.filter(actor =>
      actor.unexpected.some(({ name, attrs }) => name === 'message' && attrs['type'] === 'groupchat'),
    )
    const made = actors.filter(actor =>
      actor.unexpected.some(element =>
        element
          .child('x', USER)
          ?.childrenNamed('status')
          .some(({ attrs }) => attrs['code'] === '201'),
      ),
    )
    expect([inside.length, made.length]).toEqual([1, 1])
    await settle(...actors)
  },
)

scenario('threat 85: nobody else enters a room that is being set up', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  const comes = (actor: Actor, nick: string) =>
    actor.sends`<presence to="${ROOM}/${nick}"><x xmlns="${MUC}"/></presence>`
  await comes(romeo, 'romeo')
  await settle(romeo)
  for (let n = 0; n < 3; n++) {
    await comes(juliet, 'juliet')
    await isRefused(juliet, 'presence', 'item-not-found', 'The room is being set up')
  }
  // Nor by other ways.
  await juliet.sends`<message type="groupchat" to="${ROOM}"><body>Hail</body></message>`
  await isRefused(juliet, 'message', 'not-acceptable', 'You are not in this room')
  await refused(juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="${OWNER}"/></iq>`, 'forbidden')
  await refused(juliet.asks`<iq type="set" to="${ROOM}"><query xmlns="${MAM}"/></iq>`, 'forbidden')
  await romeo.receivesNothing()
  await configures(romeo, {})
  await settle(romeo)
  await enters(juliet, 'juliet', ['romeo'])
  expect(await list(romeo, 'owner')).toEqual([romeo.bare.text])
  await settle(romeo)
})

scenario('threat 86: what only a room says is not taken from a client', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await settle(romeo)
  const forged = `<x xmlns="${USER}"><item affiliation="owner" role="moderator" jid="romeo@a.test/x"/><status code="110"/></x>`
  await juliet.sendsRaw(`<presence to="${ROOM}/juliet">${forged}${forged}</presence>`)
  const presence = await romeo.client.next('presence')
  expect(presence.childrenNamed('x', USER).map(x => x.child('item', USER)?.attrs['role'])).toEqual(['participant'])
  await juliet.sendsRaw(`<message type="groupchat" to="${ROOM}">${forged}<body>Hail</body></message>`)
  const message = await romeo.client.next('a message')
  expect(message.child('x', USER)).toBeUndefined()
  // The mark of a private message is the room's in any case (XEP-0045 §7.5).
  await juliet.sendsRaw(`<message type="chat" to="${ROOM}/romeo">${forged}<body>Psst</body></message>`)
  const whispered = await romeo.client.next('a whisper')
  expect(whispered.childrenNamed('x', USER).map(String)).toEqual([`<x xmlns="${USER}"/>`])
  await settle(juliet)
})

scenario('threat 87: nothing shows an address where addresses are hidden', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await enters(nurse, 'nurse', ['romeo', 'juliet'])
  await settle(romeo, juliet)
  await juliet.sends`<presence to="${ROOM}/fairest"><show>away</show></presence>`
  await juliet.sends`<message type="groupchat" to="${ROOM}"><body>Hail</body></message>`
  await juliet.sends`<message type="chat" to="${ROOM}/nurse"><body>Psst</body></message>`
  await juliet.sends`<iq type="get" id="v" to="${ROOM}/nurse"><query xmlns="jabber:iq:version"/></iq>`
  await juliet.sends`<presence type="unavailable" to="${ROOM}/fairest"/>`
  await nurse.client.until(() => nurse.unexpected.some(({ attrs }) => attrs['type'] === 'chat'), 'the whisper')
  await juliet.fence()
  await nurse.fence()
  expect(nurse.unexpected.length).toBeGreaterThanOrEqual(5)
  expect(nurse.unexpected.filter(element => String(element).includes('juliet@a.test')).map(String)).toEqual([])
  await settle(romeo, juliet, nurse)
})

scenario('threat 88: who is not here reaches nobody here', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await juliet.sends`<message type="chat" to="${ROOM}/romeo"><body>Psst</body></message>`
  await isRefused(juliet, 'message', 'not-acceptable', 'You are not in this room')
  await refused(juliet.asks`<iq type="get" to="${ROOM}/romeo"><ping xmlns="${PING}"/></iq>`, 'not-acceptable')
  await juliet.sends`<presence type="probe" to="${ROOM}/romeo"/>`
  await juliet.receivesNothing()
  await romeo.receivesNothing()
})

scenario('threat 89: a client that wants all history gets what there is to get', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { 'muc#maxhistoryfetch': '2' })
  for (let n = 0; n < 5; n++) await romeo.sendsRaw(`<message type="groupchat" to="${ROOM}"><body>${n}</body></message>`)
  await settle(romeo)
  for (const wish of ['maxstanzas="1000000000"', 'since="0001-01-01T00:00:00Z"', 'seconds="-1"', 'maxchars="x"']) {
    await juliet.sendsRaw(`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><history ${wish}/></x></presence>`)
    await juliet.fence()
    expect([wish, juliet.unexpected.filter(element => element.textOf('body') !== undefined)]).toEqual([
      wish,
      [expect.anything(), expect.anything()],
    ])
    await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
    await settle(juliet)
  }
  await settle(romeo)
})

scenario('threat 90: a room that is made again has nothing of the one before', async ({ server, after }) => {
  const config = { modules: { muc: { tombstones: '1m' } } }
  const [romeo, juliet] = await (await server('a.test', { config })).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { persistentroom: '1' })
  await romeo.sends`<message type="groupchat" to="${ROOM}"><body>secret</body></message>`
  await settle(romeo)
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}"><destroy/></query></iq>`
  await settle(romeo)
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await isRefused(juliet, 'presence', 'gone', 'The room has been destroyed')
  await after('1m')
  await makes(juliet, 'juliet')
  await juliet.asks`<iq type="set" to="${ROOM}"><query xmlns="${MAM}"/></iq>`
  expect(juliet.unexpected.map(String)).toEqual([])
  expect(await list(juliet, 'owner')).toEqual([juliet.bare.text])
  await settle(romeo, juliet)
})

scenario('threat 91: a form of an owner that cannot be changes nothing', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const field = (name: string, value: string) => `<field var="${name}"><value>${value}</value></field>`
  const submit = (actor: Actor, fields: string) =>
    actor.asks`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}">${parseElement(
      `<x xmlns="jabber:x:data" type="submit">${fields}</x>`,
    )}</query></iq>`
  const good = field('muc#roomconfig_membersonly', '1')
  await refused(submit(juliet, good), 'forbidden')
  await refused(submit(romeo, good + field('unknown', '1')), 'not-acceptable')
  await refused(submit(romeo, good + good), 'bad-request')
  await refused(submit(romeo, good + field('muc#roomconfig_roomdesc', 'x'.repeat(5000))), 'not-acceptable')
  await refused(submit(romeo, good + field('FORM_TYPE', 'jabber:iq:register')), 'bad-request')
  const info = await romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}"/></iq>`
  expect(info.childrenNamed('feature').map(({ attrs }) => attrs['var'])).toContain('muc_open')
})

scenario('threat 94: who is lost is gone', async ({ server, after }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await juliet.sends`<enable xmlns="urn:xmpp:sm:3" resume="true" max="60"/>`
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await settle(juliet, romeo)
  await juliet.losesConnection()
  await romeo.receivesNothing()
  await after('2m')
  await romeo.receives`<presence type="unavailable" from="${ROOM}/juliet"/>`
})

scenario('threat 95: a visitor neither talks, nor changes the subject, nor invites', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { moderatedroom: '1' })
  await enters(juliet, 'juliet', ['romeo'])
  await settle(romeo)
  for (const [xml, text] of [
    ['<message type="groupchat"><body>Hail</body></message>', 'You have no voice in this room'],
    ['<message type="groupchat"><subject>Hail</subject></message>', 'You may not change the subject'],
    [`<message><x xmlns="${USER}"><invite to="nurse@a.test"/></x></message>`, 'You may not invite'],
  ]) {
    await juliet.sendsRaw(xml!.replace('<message', `<message to="${ROOM}"`))
    await isRefused(juliet, 'message', 'forbidden', text!)
  }
  await romeo.receivesNothing()
})

scenario('threat 97: everybody hears that addresses are shown before any is', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await settle(romeo, juliet)
  await configures(romeo, { whois: 'anyone' })
  await juliet.fence()
  const seen = juliet.unexpected.map(String)
  const told = seen.findIndex(xml => xml.includes('code="172"'))
  const shown = seen.findIndex(xml => xml.includes('romeo@a.test'))
  expect(told).toBeGreaterThanOrEqual(0)
  expect(shown).toBeGreaterThan(told)
  await settle(romeo, juliet)
})

scenario('threat 84: a room that others ask for while it is made is one room', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  const asks = () => juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}"/></iq>`.catch(() => {})
  for (let round = 0; round < 10; round++) {
    let isMade = false
    const made = makes(romeo, 'romeo', { persistentroom: '1' }).then(() => {
      isMade = true
    })
    while (!isMade) await Promise.all([asks(), asks(), asks()])
    await made
    await enters(juliet, 'juliet', ['romeo'])
    await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${OWNER}"><destroy/></query></iq>`
    await settle(romeo, juliet)
  }
})

scenario('threat 84: a room that goes while somebody comes is one room', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  for (let round = 0; round < 10; round++) {
    await makes(romeo, 'romeo')
    await Promise.all([
      romeo.sends`<presence type="unavailable" to="${ROOM}/romeo"/>`,
      juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`,
    ])
    await juliet.fence()
    await configures(juliet, {}).catch(() => {})
    await settle(romeo, juliet)
    await enters(nurse, 'nurse', ['juliet'])
    await nurse.sends`<presence type="unavailable" to="${ROOM}/nurse"/>`
    await nurse.settles()
    await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
    await settle(romeo, juliet)
  }
})

scenario('threat 84: who asks for a room and makes it in one breath has it alone', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  for (let round = 0; round < 10; round++) {
    const asked = romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="${DISCO_INFO}"/></iq>`.catch(() => {})
    await romeo.sends`<presence to="${ROOM}/romeo"><x xmlns="${MUC}"/></presence>`
    await asked
    await romeo.fence()
    await configures(romeo, {})
    await settle(romeo)
    await enters(juliet, 'juliet', ['romeo'])
    for (const actor of [juliet, romeo]) {
      await actor.sends`<presence type="unavailable" to="${ROOM}/${actor.jid.local}"/>`
      await actor.settles()
    }
    await settle(romeo, juliet)
  }
})
