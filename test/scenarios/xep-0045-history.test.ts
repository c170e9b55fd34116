import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { serialize } from '@parley/xml'
import { ADMIN, MUC, makes, ROOM } from './room.ts'

const MAM = 'urn:xmpp:mam:2'

async function says(actor: Actor, ...bodies: readonly string[]): Promise<void> {
  for (const body of bodies) {
    await actor.sends`<message type="groupchat" to="${ROOM}" id="${body}"><body>${body}</body></message>`
    await actor.receives`<message type="groupchat"><body>${body}</body></message>`
  }
}

const bodies = (actor: Actor) =>
  actor.unexpected.filter(({ name }) => name === 'message').flatMap(message => message.textOf('body') ?? [])

scenario('XEP-0045 § 7.2.13: who enters hears what was said, with its time', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await says(romeo, 'one', 'two')
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await juliet.receives`<presence from="${ROOM}/romeo"/>`
  await juliet.receives`<presence from="${ROOM}/juliet"/>`
  for (const body of ['one', 'two'])
    await juliet.receives`<message type="groupchat" from="${ROOM}/romeo" id="${body}"><body>${body}</body><delay xmlns="urn:xmpp:delay" from="${ROOM}"/><stanza-id xmlns="urn:xmpp:sid:0" by="${ROOM}"/></message>`
  await juliet.receives`<message type="groupchat"><subject/></message>`
  await romeo.settles()
})

scenario('XEP-0045 § 7.2.14: a client says how much of it', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await says(romeo, 'one', 'two', 'three')
  for (const [wanted, heard] of [
    ['maxstanzas="0"', []],
    ['maxstanzas="2"', ['two', 'three']],
    ['maxchars="0"', []],
    ['since="2099-01-01T00:00:00Z"', []],
    ['seconds="100000"', ['one', 'two', 'three']],
    // Threat 89: what cannot be is as if it were not there.
    ['maxstanzas="99999999999"', ['one', 'two', 'three']],
    ['seconds="-1"', ['one', 'two', 'three']],
  ] as const) {
    await juliet.sendsRaw(`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><history ${wanted}/></x></presence>`)
    await juliet.fence()
    expect([wanted, bodies(juliet)]).toEqual([wanted, heard])
    await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
    await juliet.settles()
  }
  await romeo.settles()
})

scenario('XEP-0045 § 8.1: the subject stays', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await romeo.sends`<message type="groupchat" to="${ROOM}"><subject>Fire burn</subject></message>`
  await romeo.receives`<message type="groupchat" from="${ROOM}/romeo"><subject>Fire burn</subject></message>`
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await juliet.receives`<presence from="${ROOM}/romeo"/>`
  await juliet.receives`<presence from="${ROOM}/juliet"/>`
  await juliet.receives`<message type="groupchat" from="${ROOM}/romeo"><subject>Fire burn</subject></message>`
  await romeo.settles()
})

scenario('XEP-0313 § 4: a room has an archive for those who may enter', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await says(romeo, 'one', 'two')
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await juliet.settles()
  await romeo.settles()

  await juliet.sends`<iq type="set" id="q1" to="${ROOM}"><query xmlns="${MAM}" queryid="f"/></iq>`
  for (const body of ['one', 'two'])
    await juliet.receives`<message from="${ROOM}"><result xmlns="${MAM}" queryid="f"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" type="groupchat" from="${ROOM}/romeo"><body>${body}</body></message></forwarded></result></message>`
  await juliet.receives`<iq type="result" id="q1"><fin xmlns="${MAM}" complete="true"/></iq>`

  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="outcast" jid="${juliet.bare}"/></query></iq>`
  for (const actor of [juliet, romeo]) await actor.settles()
  // Threat 90: not any more.
  await refused(
    juliet.asks`<iq type="set" to="${ROOM}"><query xmlns="${MAM}"/></iq>`,
    'forbidden',
    'The archive of this room is not for you',
  )
})

scenario('XEP-0045 § 7.2.14: characters are those of complete stanzas', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await says(romeo, 'one', 'two', 'three')
  const shown = async (chars: number) => {
    await juliet.sendsRaw(
      `<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><history maxchars="${chars}"/></x></presence>`,
    )
    await juliet.fence()
    const lines = juliet.unexpected.filter(({ name, attrs }) => name === 'message' && attrs['id'] !== undefined)
    const sizes = lines.map(line => serialize(line, 'jabber:client').length)
    await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
    await juliet.settles()
    return sizes
  }
  const all = await shown(65_000)
  expect(all).toHaveLength(3)
  const newest = all[1]! + all[2]!
  // "the largest number of complete stanzas that results in a number of characters less than or equal to the 'maxchars' value".
  expect(await shown(newest)).toEqual(all.slice(1))
  expect(await shown(newest - 1)).toEqual(all.slice(2))
  expect(await shown(all[2]! - 1)).toEqual([])
  await romeo.settles()
})

scenario('XEP-0045 § 7.2.15: the subject says since when it has been', async ({ server, after, clock }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const subject = async () => {
    await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
    await juliet.fence()
    const message = juliet.unexpected.at(-1)!
    await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
    await juliet.settles()
    const delay = message.child('delay', 'urn:xmpp:delay')
    return [message.textOf('subject'), delay?.attrs['from'], delay && Date.parse(delay.attrs['stamp']!)]
  }
  expect(await subject()).toEqual(['', undefined, undefined])
  // "The <delay/> SHOULD be included if the subject was actively cleared".
  for (const text of ['Fire burn', '']) {
    await romeo.sends`<message type="groupchat" to="${ROOM}"><subject>${text}</subject></message>`
    await romeo.settles()
    const time = clock.now()
    await after('5m')
    expect(await subject()).toEqual([text, ROOM, time])
  }
  await romeo.settles()
})
