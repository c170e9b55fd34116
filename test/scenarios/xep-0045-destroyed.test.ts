import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { parseElement } from '@parley/xml'
import { read } from './archive-reader.ts'
import { isRefused, MUC, makes, OWNER, ROOM } from './room.ts'

const ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const NOWHERE = 'The room has been destroyed'

const destroys = (owner: Actor, how = '<destroy/>') =>
  owner.asks`<iq type="set" to="${ROOM}">${parseElement(`<query xmlns="${OWNER}">${how}</query>`)}</iq>`
const discovers = (actor: Actor) =>
  actor.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
const enters = (actor: Actor) => actor.sends`<presence to="${ROOM}/x"><x xmlns="${MUC}"/></presence>`

/** Somebody tries to enter, and is told neither where the others went nor why. */
async function learnsNothing(actor: Actor): Promise<void> {
  await enters(actor)
  const told = String(await actor.client.next('a refusal'))
  expect(told).toContain(NOWHERE)
  expect(told).not.toMatch(/castle|Macbeth/)
}

scenario('XEP-0045 § 10.9: where a room was, it is said where to go, and why', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { persistentroom: '1' })
  await destroys(romeo, '<destroy jid="dark%cave@conference.a.test"><reason>Macbeth</reason></destroy>')
  await romeo.settles()
  await enters(juliet)
  await juliet.receives`<presence type="error" from="${ROOM}/x"><error type="cancel"><gone xmlns="${ERRORS}">xmpp:dark%25cave@conference.a.test?join</gone><text xmlns="${ERRORS}">Macbeth</text></error></presence>`
  await refused(discovers(juliet), 'gone', 'Macbeth')
  await juliet.sends`<message type="groupchat" to="${ROOM}"><body>Hail</body></message>`
  await juliet.receives`<message type="error"><error><gone xmlns="${ERRORS}">xmpp:dark%25cave@conference.a.test?join</gone></error></message>`
})

scenario('XEP-0045 § 10.9: a room that would have gone by itself leaves no tombstone', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await destroys(romeo, '<destroy jid="castle@conference.a.test"/>')
  await romeo.settles()
  await refused(discovers(juliet), 'item-not-found', 'There is no such room')
  await makes(juliet, 'juliet')
})

scenario('XEP-0045 § 10.9: those who owned it and admins make it again', async ({ server }) => {
  const config = { admins: ['nurse@a.test'] }
  const stage = await server('a.test', { config })
  const [romeo, juliet, nurse] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  for (const maker of [romeo, nurse]) {
    await makes(romeo, 'romeo', { persistentroom: '1' })
    await romeo.sends`<message type="groupchat" to="${ROOM}"><body>secret</body></message>`
    await romeo.settles()
    await destroys(romeo)
    await romeo.settles()
    await enters(juliet)
    await isRefused(juliet, 'presence', 'gone', NOWHERE)
    await makes(maker, 'x', { persistentroom: '1' })
    // Threat 90
    expect((await read(juliet, { to: ROOM })).ids).toEqual([])
    await destroys(maker)
    await maker.settles()
  }
  // It was the admin's by then.
  await enters(romeo)
  await isRefused(romeo, 'presence', 'gone', NOWHERE)
})

scenario('XEP-0045 § 10.9: outsiders do not learn where the members of a closed room went', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  for (const settings of [{ membersonly: '1' }, { roomsecret: 'burn' }]) {
    await makes(romeo, 'romeo', { persistentroom: '1', ...settings })
    await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${MUC}#admin"><item affiliation="member" jid="${nurse.bare}"/></query></iq>`
    await destroys(romeo, '<destroy jid="castle@conference.a.test"><reason>Macbeth</reason></destroy>')
    await romeo.settles()
    await learnsNothing(juliet)
    await refused(discovers(nurse), 'gone', 'Macbeth')
  }
})

scenario(
  'XEP-0045 § 10.9: a tombstone outlives the server, and goes when its time is over',
  async ({ server, after }) => {
    const config = { modules: { muc: { tombstones: '2h' } } }
    const stage = await server('a.test', { config })
    const [romeo] = await stage.connect('romeo/orchard')
    await makes(romeo, 'romeo', { persistentroom: '1' })
    await destroys(romeo)
    await romeo.settles()
    await romeo.leaves()
    await stage.stop()

    const again = await server('a.test', { config })
    const [juliet] = await again.connect('juliet/balcony')
    await after('119m')
    await refused(discovers(juliet), 'gone', NOWHERE)
    await after('1m')
    await refused(discovers(juliet), 'item-not-found', 'There is no such room')
    await after('1h')
    const kept = again.store.maps.map<{ at: number }>('muc.tombstones')
    for (let n = 0; n < 100 && (await kept.get(ROOM, 'tombstone')); n++) await juliet.fence()
    expect(await kept.get(ROOM, 'tombstone')).toBeUndefined()
    await makes(juliet, 'juliet')
  },
)

scenario('XEP-0045 § 10.9: an operator may want none', async ({ server }) => {
  const config = { modules: { muc: { tombstones: '0s' } } }
  const [romeo, juliet] = await (await server('a.test', { config })).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { persistentroom: '1' })
  await destroys(romeo, '<destroy jid="castle@conference.a.test"/>')
  await romeo.settles()
  await makes(juliet, 'juliet')
})

scenario('XEP-0045 § 10.9: outcasts do not learn where the others went', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { persistentroom: '1' })
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${MUC}#admin"><item affiliation="outcast" jid="${juliet.bare}"/></query></iq>`
  await destroys(romeo, '<destroy jid="castle@conference.a.test"><reason>Macbeth</reason></destroy>')
  await romeo.settles()
  await learnsNothing(juliet)
})

scenario('XEP-0045 § 10.9: a room that is asked for while it is destroyed is gone all the same', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  for (let round = 0; round < 5; round++) {
    await makes(romeo, 'romeo', { persistentroom: '1' })
    let isOver = false
    const over = destroys(romeo).then(() => {
      isOver = true
    })
    while (!isOver) await discovers(juliet).catch(() => {})
    await over
    await romeo.settles()
    await refused(discovers(juliet), 'gone', NOWHERE)
  }
})
