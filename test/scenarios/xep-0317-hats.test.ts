import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { type Element, parseElement } from '@parley/xml'
import { ADMIN, enters, MUC, makes, ROOM, USER } from './room.ts'

const HATS = 'urn:xmpp:hats:0'
const COMMANDS = 'http://jabber.org/protocol/commands'
const NODE = 'urn:xmpp:hats:commands'
const DATA = 'jabber:x:data'
const INFO = 'http://jabber.org/protocol/disco#info'
const HOST = 'http://schemas.example.com/hats#host'

/** Runs a command of the room, with fields by the names that they have behind `hats#`, or with none. */
function runs(
  actor: Actor,
  command: string,
  fields?: Readonly<Record<string, string>>,
  attributes = '',
): Promise<Element> {
  const values = Object.entries(fields ?? {}).map(
    ([name, value]) => `<field var="hats#${name}"><value>${value}</value></field>`,
  )
  const form = fields && `<x xmlns="${DATA}" type="submit">${values.join('')}</x>`
  const xml = `<command xmlns="${COMMANDS}" node="${NODE}:${command}" ${attributes}>${form ?? ''}</command>`
  return actor.asks`<iq type="set" to="${ROOM}">${parseElement(xml)}</iq>`
}

const rows = (answer: Element) =>
  answer
    .child('x', DATA)!
    .childrenNamed('item')
    .map(item => item.childrenNamed('field').map(field => field.textOf('value', DATA)))

const discovers = (actor: Actor, node = '') =>
  actor.asksRaw(`<iq type="get" to="${ROOM}"><query xmlns="${INFO}" ${node && `node="${node}"`}/></iq>`)

async function hash(actor: Actor): Promise<string | undefined> {
  const fields = (await discovers(actor)).firstElement()!.child('x', DATA)!.childrenNamed('field')
  return fields.find(({ attrs }) => attrs['var'] === 'hats#hash')?.textOf('value', DATA)
}

const isTold = async (...actors: readonly Actor[]) => {
  for (const actor of actors)
    await actor.receives`<message type="groupchat" from="${ROOM}"><x xmlns="${USER}"><status code="104"/></x></message>`
}

scenario('XEP-0317 § 2: a room says that there are hats, and when there are others', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const info = (await discovers(juliet)).firstElement()!
  const features = info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
  expect(features).toEqual(expect.arrayContaining([HATS, COMMANDS]))
  expect(await hash(juliet)).toBeUndefined()
  await runs(romeo, 'create', { title: 'Host', uri: HOST })
  const one = await hash(juliet)
  await runs(romeo, 'create', { title: 'Hostess', uri: HOST })
  const other = await hash(juliet)
  expect(one).not.toBe(other)
  await runs(romeo, 'create', { title: 'Host', uri: HOST })
  expect(await hash(juliet)).toBe(one)
  await isTold(romeo, romeo, romeo)
})

scenario(
  'XEP-0317 § 3: an admin makes a hat by a form, and gives it to somebody; everybody sees it',
  async ({ server }) => {
    const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
    await makes(romeo, 'romeo')
    await enters(juliet, 'juliet', ['romeo'])
    await romeo.settles()

    const begun = await runs(romeo, 'create')
    expect([begun.attrs['status'], begun.attrs['node']]).toEqual(['executing', `${NODE}:create`])
    const names = begun
      .child('x', DATA)!
      .childrenNamed('field')
      .map(({ attrs }) => attrs['var'])
    expect(names).toEqual(['FORM_TYPE', 'hats#title', 'hats#uri', 'hats#hue'])
    const session = `sessionid="${begun.attrs['sessionid']}"`
    const done = await runs(romeo, 'create', { title: 'Host', uri: HOST, hue: '327.255249' }, session)
    expect(done.attrs).toMatchObject({ status: 'completed', sessionid: begun.attrs['sessionid'] })
    await isTold(romeo, juliet)

    const giving = await runs(romeo, 'assign', undefined, 'action="execute"')
    const offered = giving.child('x', DATA)!.childrenNamed('field').at(-1)!
    const options = offered.childrenNamed('option').map(option => [option.attrs['label'], option.textOf('value', DATA)])
    expect(options).toEqual([['Host', HOST]])
    await runs(romeo, 'assign', { jid: 'juliet@a.test', uri: HOST })
    for (const actor of [romeo, juliet])
      await actor.receives`<presence from="${ROOM}/juliet"><hats xmlns="${HATS}"><hat uri="${HOST}" title="Host" hue="327.255249"/></hats></presence>`
    await runs(romeo, 'assign', { jid: 'juliet@a.test', uri: HOST })

    // Who enters later sees it too.
    await nurse.sends`<presence to="${ROOM}/nurse"><x xmlns="${MUC}"/></presence>`
    await nurse.receives`<presence from="${ROOM}/romeo"/>`
    await nurse.receives`<presence from="${ROOM}/juliet"><hats xmlns="${HATS}"><hat uri="${HOST}"/></hats></presence>`
    for (const actor of [nurse, juliet, romeo]) await actor.settles()

    expect(rows(await runs(juliet, 'list'))).toEqual([['Host', HOST, '327.255249']])
    expect(rows(await runs(romeo, 'list-assigned'))).toEqual([['juliet@a.test', HOST, 'Host', '327.255249']])
  },
)

scenario('XEP-0317 § 3.2, § 3.3, § 3.6: what changes about a hat is seen at once', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  for (const title of ['host', 'scribe']) {
    await runs(romeo, 'create', { title, uri: `hat:${title}` })
    await runs(romeo, 'assign', { jid: juliet.bare.text, uri: `hat:${title}` })
  }
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  const worn = async () => {
    const presence = await juliet.client.next('a presence')
    return presence
      .child('hats', HATS)
      ?.elements()
      .map(({ attrs }) => attrs['title'])
  }
  await runs(romeo, 'create', { title: 'Host', uri: 'hat:host' })
  await isTold(juliet)
  expect(await worn()).toEqual(['Host', 'scribe'])
  await runs(romeo, 'destroy', { uri: 'hat:host' })
  expect(await worn()).toEqual(['scribe'])
  await isTold(juliet)
  await runs(romeo, 'unassign', { jid: juliet.bare.text, uri: 'hat:scribe' })
  expect(await worn()).toBeUndefined()
  await runs(romeo, 'unassign', { jid: juliet.bare.text, uri: 'hat:scribe' })
  expect(rows(await runs(romeo, 'list-assigned'))).toEqual([])
  expect(rows(await runs(romeo, 'list'))).toEqual([['scribe', 'hat:scribe', undefined]])
  for (const actor of [juliet, romeo]) await actor.settles()
})

scenario('XEP-0317 § 3: who decides about hats, and what cannot be', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item role="moderator" nick="juliet"/></query></iq>`
  for (const command of ['create', 'destroy', 'assign', 'unassign', 'list-assigned'])
    await refused(runs(juliet, command, { uri: HOST }), 'forbidden', 'Admins decide about hats')
  await refused(runs(nurse, 'list'), 'forbidden', 'Admins decide about hats')

  await refused(runs(romeo, 'steal'), 'item-not-found', 'The room has no such command')
  await refused(runs(romeo, 'create', undefined, 'action="next"'), 'bad-request', 'The command for hats has one step')
  expect((await runs(romeo, 'create', undefined, 'action="cancel"')).attrs['status']).toBe('canceled')
  for (const uri of ['', 'host', 'hat:with space', `hat:${'x'.repeat(1000)}`])
    await refused(runs(romeo, 'create', { title: 'Host', uri }), 'bad-request', 'A hat needs a URI')
  for (const title of ['', 'x'.repeat(300)])
    await refused(runs(romeo, 'create', { title, uri: HOST }), 'bad-request', 'A hat needs a title')
  for (const hue of ['red', '361', '-1', '1e2'])
    await refused(
      runs(romeo, 'create', { title: 'Host', uri: HOST, hue }),
      'bad-request',
      'The colour of a hat is an angle from 0 to 360',
    )
  for (const command of ['destroy', 'assign', 'unassign'])
    await refused(runs(romeo, command, { uri: HOST, jid: 'x@a.test' }), 'item-not-found', 'There is no such hat')
  expect(rows(await runs(romeo, 'list'))).toEqual([])
  for (const actor of [juliet, romeo]) await actor.settles()
})

scenario('XEP-0317 § 3: there is an end to hats', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  for (let n = 0; n < 100; n++) await runs(romeo, 'create', { title: `Hat ${n}`, uri: `hat:${n}` })
  await refused(
    runs(romeo, 'create', { title: 'One more', uri: 'hat:100' }),
    'resource-constraint',
    'The room has too many hats',
  )
  for (let n = 0; n < 20; n++) await runs(romeo, 'assign', { jid: 'juliet@a.test', uri: `hat:${n}` })
  await refused(
    runs(romeo, 'assign', { jid: 'juliet@a.test', uri: 'hat:20' }),
    'resource-constraint',
    'Nobody wears so many hats',
  )
  await romeo.settles()
})

scenario('XEP-0317 § 3.1: nobody puts on a hat that the room has not given', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const forged = `<hats xmlns="${HATS}"><hat uri="${HOST}" title="Host"/></hats>`
  await juliet.sendsRaw(`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/>${forged}</presence>`)
  await juliet.fence()
  await juliet.sendsRaw(`<presence to="${ROOM}/juliet"><show>away</show>${forged}</presence>`)
  for (let n = 0; n < 2; n++) {
    const presence = await romeo.client.next('a presence')
    expect([presence.attrs['from'], presence.child('hats', HATS)]).toEqual([`${ROOM}/juliet`, undefined])
  }
  await juliet.settles()
})

scenario('XEP-0317 § 3.4: commands are found by admins', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const found = async (actor: Actor) => {
    const items =
      await actor.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#items" node="${COMMANDS}"/></iq>`
    return items.elements().map(({ attrs }) => attrs['node']!.slice(NODE.length + 1))
  }
  expect(await found(romeo)).toEqual(['create', 'destroy', 'list', 'assign', 'unassign', 'list-assigned'])
  expect(await found(juliet)).toEqual([])
  const info = (await discovers(romeo, `${NODE}:create`)).firstElement()!
  expect(info.child('identity', INFO)!.attrs).toMatchObject({ category: 'automation', type: 'command-node' })
})

scenario('XEP-0317 § 3: hats outlive the server, and go with the room', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  await makes(romeo, 'romeo', { persistentroom: '1' })
  await runs(romeo, 'create', { title: 'Host', uri: HOST })
  await runs(romeo, 'assign', { jid: romeo.bare.text, uri: HOST })
  await romeo.settles()
  await romeo.leaves()
  await stage.stop()

  const [later] = await (await server('a.test')).connect('romeo/orchard')
  await later.sends`<presence to="${ROOM}/romeo"><x xmlns="${MUC}"/></presence>`
  await later.receives`<presence from="${ROOM}/romeo"><hats xmlns="${HATS}"><hat uri="${HOST}" title="Host"/></hats></presence>`
  await later.receives`<message type="groupchat"><subject/></message>`
  await later.asks`<iq type="set" to="${ROOM}"><query xmlns="${MUC}#owner"><destroy/></query></iq>`
  await later.settles()
  await makes(later, 'romeo')
  expect(rows(await runs(later, 'list'))).toEqual([])
})
