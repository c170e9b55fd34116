import { expect } from '@jest/globals'
import type { Jid } from '@parley/jid'
import { type Actor, refused, scenario } from '@parley/testkit'
import { type Element, el } from '@parley/xml'
import { ADMIN, configures, enters, isRefused, MUC, makes, ROOM, USER } from './room.ts'

const TOKENS = 'urn:xmpp:muc-token-invite:0'

const asks = (actor: Actor, limits: Readonly<Record<string, string>> = {}) =>
  actor.asks`<iq type="set" to="${ROOM}">${el('request', TOKENS, limits)}</iq>`
const asksList = (actor: Actor) => actor.asks`<iq type="get" to="${ROOM}"><tokens xmlns="${TOKENS}"/></iq>`
const lists = async (actor: Actor): Promise<readonly Element[]> => (await asksList(actor)).childrenNamed('token')
const revokes = (actor: Actor, token: string) =>
  actor.asks`<iq type="set" to="${ROOM}"><revoke xmlns="${TOKENS}">${token}</revoke></iq>`

const comes = (actor: Actor, token: string) =>
  actor.sends`<presence to="${ROOM}/${actor.jid.local}"><x xmlns="${MUC}"><password>${token}</password></x></presence>`

async function isMember(actor: Actor): Promise<void> {
  await actor.fence()
  const own = actor.unexpected.find(({ attrs }) => attrs['from'] === `${ROOM}/${actor.jid.local}`)
  const item = own?.child('x', USER)?.child('item')
  expect([own?.attrs['type'], item?.attrs['affiliation']]).toEqual([undefined, 'member'])
  await actor.sends`<presence to="${ROOM}/${actor.jid.local}" type="unavailable"/>`
  await actor.settles()
}

async function gives(owner: Actor, account: Jid, affiliation: string): Promise<void> {
  await owner.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item jid="${account}" affiliation="${affiliation}"/></query></iq>`
  await owner.settles()
}

scenario('XEP-0488 § 3.5: who comes with a token is a member, as often as it is good for', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse, paris] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/x', 'paris/y')
  await makes(romeo, 'romeo', { membersonly: '1' })
  const info =
    await juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  expect(info.childrenNamed('feature').map(({ attrs }) => attrs['var'])).toContain(TOKENS)
  const token = await asks(romeo, { counter: '2' })
  expect(token.attrs['counter']).toBe('2')

  // § 4: who belongs to the room already uses up none.
  await gives(romeo, nurse.bare, 'member')
  await comes(nurse, token.text())
  await isMember(nurse)
  for (const actor of [juliet, juliet, paris]) {
    await comes(actor, token.text())
    await isMember(actor)
    await romeo.settles()
  }
  await gives(romeo, paris.bare, 'none')
  await comes(paris, token.text())
  await paris.receives`<presence type="error"><error type="auth"><not-authorized xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">The token is not good any more</text><expired-token xmlns="${TOKENS}"/></error></presence>`
  expect(await lists(romeo)).toEqual([])
  await romeo.settles()
})

scenario(
  'XEP-0488 § 3.3: a token is good for the time that is said, and for no longer than the service lets it',
  async ({ server, after }) => {
    const config = { modules: { muc: { tokens: '1h' } } }
    const [romeo, juliet] = await (await server('a.test', { config })).connect('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo', { membersonly: '1' })
    const [short, long] = [await asks(romeo, { delay: '60', counter: '5' }), await asks(romeo, { delay: '2678400' })]
    expect([short.attrs['delay'], short.attrs['counter'], long.attrs['delay']]).toEqual(['60', '5', '3600'])
    await after('2m')
    expect((await lists(romeo)).map(({ attrs }) => attrs['delay'])).toEqual(['3480'])
    await comes(juliet, short.text())
    await isRefused(juliet, 'presence', 'not-authorized', 'The token is not good any more')
    await comes(juliet, long.text())
    await isMember(juliet)
    for (const limits of [{ delay: '-1' }, { counter: '0' }, { counter: 'many' }, { delay: '99999999999' }]) {
      await refused(asks(romeo, limits), 'bad-request', 'How long, and for how many, is said in whole numbers')
    }
    await romeo.settles()
  },
)

scenario('XEP-0488 § 3.6, § 3.7: members see and revoke their own, moderators all', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo', { membersonly: '1', allowinvites: '1' })
  await gives(romeo, juliet.bare, 'member')
  const [own, other] = [await asks(juliet), await asks(romeo)]
  expect((await lists(juliet)).map(token => token.text())).toEqual([own.text()])
  expect(new Set((await lists(romeo)).map(token => token.text()))).toEqual(new Set([own.text(), other.text()]))
  await refused(revokes(juliet, other.text()), 'item-not-found', 'There is no such token')
  await revokes(romeo, own.text())
  await refused(revokes(juliet, own.text()), 'item-not-found', 'There is no such token')
  expect(await lists(juliet)).toEqual([])
  for (const asked of [asks(nurse), asksList(nurse), revokes(nurse, other.text())]) {
    await refused(asked, 'forbidden', 'You may not make tokens for this room')
  }
  // § 7: the owner has it off, or the room has a password for everybody.
  await configures(romeo, { allowinvites: '0' })
  await refused(asks(juliet), 'forbidden', 'You may not make tokens for this room')
  await configures(romeo, { roomsecret: 'burn' })
  await refused(asks(romeo), 'forbidden', 'You may not make tokens for this room')
  await romeo.settles()
})

scenario('XEP-0488 § 7: a token goes with its maker, lets no outcast in, and is not guessed', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet, nurse, paris] = await stage.connect('romeo/orchard', 'juliet/balcony', 'nurse/x', 'paris/y')
  await makes(romeo, 'romeo', { membersonly: '1', allowinvites: '1' })
  await gives(romeo, juliet.bare, 'member')
  const [hers, his] = [await asks(juliet), await asks(romeo)]
  await gives(romeo, juliet.bare, 'outcast')
  await comes(juliet, his.text())
  await isRefused(juliet, 'presence', 'forbidden', 'You are banned from this room')
  await comes(nurse, hers.text())
  await isRefused(nurse, 'presence', 'not-authorized', 'The token is not good any more')
  for (let n = 0; n < 10; n++) {
    await comes(paris, `guess-${n}`.padEnd(32, 'x'))
    await isRefused(paris, 'presence', 'not-authorized', 'The token is not good any more')
  }
  await comes(paris, his.text())
  await isRefused(paris, 'presence', 'resource-constraint', 'Too many wrong tokens')
  for (let n = 0; n < 49; n++) await asks(romeo)
  await refused(asks(romeo), 'resource-constraint', 'You have too many tokens of this room')
  await romeo.settles()
})

scenario(
  'XEP-0488 § 3.5: an open room lets everybody in, and makes members of those with a token',
  async ({ server }) => {
    const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
    await makes(romeo, 'romeo')
    const token = await asks(romeo)
    await comes(juliet, token.text())
    await isMember(juliet)
    await nurse.sends`<presence to="${ROOM}/nurse"><x xmlns="${MUC}"><password>of old times</password></x></presence>`
    await nurse.receives`<presence from="${ROOM}/romeo"/>`
    await nurse.receives`<presence from="${ROOM}/nurse"><x xmlns="${USER}"><item affiliation="none"/></x></presence>`
    for (const actor of [nurse, romeo]) await actor.settles()
    await enters(juliet, 'juliet', ['romeo', 'nurse'])
    for (const actor of [nurse, romeo]) await actor.settles()
  },
)
