import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { type Element, parseElement } from '@parley/xml'
import { ADMIN, configures, enters, makes, ROOM, USER } from './room.ts'

const change = (actor: Actor, item: string) =>
  actor.asksRaw(`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}">${item}</query></iq>`)

const listed = async (actor: Actor, attrs: string) => {
  const answer = await actor.asksRaw(
    `<iq type="get" to="${ROOM}"><query xmlns="${ADMIN}"><item ${attrs}/></query></iq>`,
  )
  return answer
    .firstElement()!
    .elements()
    .map(({ attrs }) => attrs['jid'])
}

scenario('XEP-0045 § 8.2: a moderator kicks', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'pistol', ['romeo'])
  await romeo.settles()
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item nick="pistol" role="none"><reason>Avaunt</reason></item></query></iq>`
  for (const actor of [romeo, juliet])
    await actor.receives`<presence type="unavailable" from="${ROOM}/pistol" to="${actor}"><x xmlns="${USER}"><item role="none" affiliation="none"><actor nick="romeo"/><reason>Avaunt</reason></item><status code="307"/></x></presence>`
  await enters(juliet, 'pistol', ['romeo'])
  await romeo.settles()
})

scenario('XEP-0045 § 8.3, § 8.4: voice is given and taken', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { moderatedroom: '1' })
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  for (const role of ['participant', 'visitor']) {
    await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item nick="juliet" role="${role}"/></query></iq>`
    for (const actor of [romeo, juliet])
      await actor.receives`<presence from="${ROOM}/juliet"><x xmlns="${USER}"><item role="${role}"/></x></presence>`
    expect(await listed(romeo, `role="${role}"`)).toEqual([juliet.jid.text])
  }
})

scenario('XEP-0045 § 9.1: a ban throws out, keeps out, and can be lifted', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="outcast" jid="${juliet}"><reason>Treason</reason></item></query></iq>`
  for (const actor of [romeo, juliet])
    await actor.receives`<presence type="unavailable" from="${ROOM}/juliet"><x xmlns="${USER}"><item affiliation="outcast" role="none"><reason>Treason</reason></item><status code="301"/></x></presence>`
  expect(await listed(romeo, 'affiliation="outcast"')).toEqual([juliet.bare.text])
  await change(romeo, `<item affiliation="none" jid="${juliet.bare}"/>`)
  expect(await listed(romeo, 'affiliation="outcast"')).toEqual([])
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
})

scenario('XEP-0045 § 9.1: nobody bans themselves', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await change(romeo, `<item affiliation="admin" jid="${juliet.bare}"/>`)
  await enters(juliet, 'juliet', ['romeo'])
  for (const actor of [romeo, juliet]) await actor.settles()
  // "If an admin or owner attempts to ban himself, the service MUST deny the request and return a <conflict/> error".
  for (const actor of [romeo, juliet]) {
    await refused(
      actor.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="outcast" jid="${actor.bare}"/></query></iq>`,
      'conflict',
      'You cannot ban yourself',
    )
  }
})

scenario('XEP-0045 § 9.8: a list of moderators may name those who are moderators', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  await change(romeo, `<item affiliation="admin" jid="${juliet.bare}"/>`)
  await enters(juliet, 'juliet', ['romeo'])
  await enters(nurse, 'nurse', ['romeo', 'juliet'])
  for (const actor of [romeo, juliet, nurse]) await actor.settles()
  // An admin may not act against an owner, but nothing is done to this one.
  await juliet.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item nick="nurse" role="moderator"/><item nick="romeo" role="moderator"/></query></iq>`
  for (const actor of [romeo, juliet, nurse])
    await actor.receives`<presence from="${ROOM}/nurse"><x xmlns="${USER}"><item role="moderator"/></x></presence>`
  await romeo.receivesNothing()
})

scenario('XEP-0045 § 9.4: who is no member any more leaves a room for members', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { membersonly: '1' })
  await change(romeo, `<item affiliation="member" jid="${juliet.bare}"/>`)
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await change(romeo, `<item affiliation="none" jid="${juliet.bare}"/>`)
  for (const actor of [romeo, juliet])
    await actor.receives`<presence type="unavailable" from="${ROOM}/juliet"><x xmlns="${USER}"><item affiliation="none" role="none"/><status code="321"/></x></presence>`
})

scenario('XEP-0045 § 9.6, § 10.3, § 10.6: what comes with an affiliation comes at once', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  for (const [affiliation, role] of [
    ['admin', 'moderator'],
    ['owner', 'moderator'],
    ['member', 'participant'],
  ]) {
    await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="${affiliation!}" jid="${juliet.bare}"/></query></iq>`
    for (const actor of [romeo, juliet])
      await actor.receives`<presence from="${ROOM}/juliet"><x xmlns="${USER}"><item affiliation="${affiliation!}" role="${role!}"/></x></presence>`
  }
})

scenario('XEP-0045 § 10.4: there is always an owner', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await refused(
    romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="none" jid="${romeo.bare}"/></query></iq>`,
    'conflict',
    'A room has an owner',
  )
  await change(romeo, `<item affiliation="owner" jid="${juliet.bare}"/>`)
  await romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="none" jid="${romeo.bare}"/></query></iq>`
  await romeo.settles()
  expect(await listed(juliet, 'affiliation="owner"')).toEqual([juliet.bare.text])
})

scenario('XEP-0045 § 5: who may change what', async ({ server }) => {
  const names = ['romeo/orchard', 'juliet/balcony', 'nurse/x', 'tybalt/x'] as const
  const [romeo, juliet, nurse, tybalt] = await (await server('a.test')).connect(...names)
  await makes(romeo, 'romeo')
  await change(romeo, `<item affiliation="admin" jid="${juliet.bare}"/>`)
  await enters(juliet, 'juliet', ['romeo'])
  await enters(nurse, 'nurse', ['romeo', 'juliet'])
  await enters(tybalt, 'tybalt', ['romeo', 'juliet', 'nurse'])
  for (const actor of [romeo, juliet, nurse, tybalt]) await actor.settles()
  const asks = (actor: Actor, item: string) =>
    actor.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}">${readItem(item)}</query></iq>`

  await refused(asks(nurse, 'affiliation="member" jid="x@a.test"'), 'forbidden', 'Only admins change affiliations')
  await refused(asks(juliet, 'affiliation="owner" jid="x@a.test"'), 'forbidden', 'Only owners change admins and owners')
  await refused(asks(juliet, `affiliation="none" jid="${romeo.bare}"`), 'not-allowed')
  await refused(asks(nurse, 'nick="juliet" role="none"'), 'forbidden', 'Only moderators change roles')
  await refused(asks(juliet, 'nick="romeo" role="none"'), 'not-allowed', 'That occupant outranks you')
  await refused(asks(romeo, 'nick="juliet" role="visitor"'), 'not-allowed', 'Admins and owners are moderators')
  await refused(asks(romeo, 'nick="nobody" role="none"'), 'item-not-found', 'Nobody here is called that')
  await refused(asks(romeo, 'nick="nurse" role="king"'), 'bad-request', 'There is no such role')
  await refused(asks(romeo, 'jid="x@a.test" affiliation="king"'), 'bad-request', 'There is no such affiliation')
  await refused(asks(romeo, 'role="none"'), 'bad-request', 'Whose role it is must be said by nick')
  await refused(
    asks(romeo, 'affiliation="member"'),
    'item-not-found',
    'Whose affiliation it is must be said by jid, or by nick',
  )
  await refused(
    romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"/></iq>`,
    'bad-request',
    'Nothing to change',
  )
  // A moderator who is no admin makes no moderators.
  await asks(romeo, 'nick="nurse" role="moderator"')
  for (const actor of [romeo, juliet, nurse, tybalt]) await actor.settles()
  await refused(asks(nurse, 'nick="tybalt" role="moderator"'), 'not-allowed', 'Only admins make moderators')
  await refused(asks(nurse, 'nick="juliet" role="none"'), 'not-allowed', 'That occupant outranks you')
})

scenario('XEP-0045 § 9.5, § 8.5: lists are not for everybody (threat 81)', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const asks = (actor: Actor, item: string) =>
    actor.asks`<iq type="get" to="${ROOM}"><query xmlns="${ADMIN}">${readItem(item)}</query></iq>`
  for (const affiliation of ['owner', 'admin', 'member', 'outcast'])
    await refused(asks(juliet, `affiliation="${affiliation}"`), 'forbidden', 'The list is not for you')
  await refused(asks(juliet, 'role="participant"'), 'forbidden', 'Only moderators may see roles')
  await enters(juliet, 'juliet', ['romeo'])
  await refused(asks(juliet, 'affiliation="member"'), 'forbidden')

  await configures(romeo, { whois: 'anyone' })
  await asks(juliet, 'affiliation="member"')
  await juliet.settles()
  await romeo.settles()
})

function readItem(attrs: string): Element {
  return parseElement(`<item xmlns="${ADMIN}" ${attrs}/>`)
}

scenario('XEP-0045 § 7.12: an admin keeps a nick for one member, as those who enter have it', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  const keeps = (...items: readonly string[]) =>
    romeo.asks`<iq type="set" to="${ROOM}">${parseElement(`<query xmlns="${ADMIN}">${items.join('')}</query>`)}</iq>`
  const item = (actor: Actor, nick: string) => `<item affiliation="member" jid="${actor.bare}" nick="${nick}"/>`
  const taken = 'That nick is kept for another member'
  await refused(keeps(item(juliet, 'J'), item(nurse, 'J')), 'conflict', taken)
  await keeps(item(juliet, 'J'))
  await refused(keeps(item(nurse, 'J')), 'conflict', taken)
  await refused(keeps(item(nurse, ' J')), 'not-acceptable', 'The nick has characters that nobody sees')
  // What is kept already may be said again, and may change hands at once.
  await keeps(item(juliet, 'J'), item(nurse, 'N'))
  await keeps(item(juliet, 'N'), item(nurse, 'J'))
  await romeo.settles()
  await enters(nurse, 'J', ['romeo'])
  await romeo.settles()
})

scenario('XEP-0045 § 9.3: who moderates this visit still does as a member', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await change(romeo, '<item role="moderator" nick="juliet"/>')
  await romeo.settles()
  await juliet.settles()
  await change(romeo, `<item affiliation="member" jid="${juliet.bare}"/>`)
  for (const actor of [romeo, juliet])
    await actor.receives`<presence from="${ROOM}/juliet"><x xmlns="${USER}"><item affiliation="member" role="moderator"/></x></presence>`
  await change(romeo, `<item affiliation="none" jid="${juliet.bare}"/>`)
  for (const actor of [romeo, juliet])
    await actor.receives`<presence from="${ROOM}/juliet"><x xmlns="${USER}"><item affiliation="none" role="participant"/></x></presence>`
})

scenario('XEP-0045 § 17.4: an item changes an affiliation or a role', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  // "if a moderator, admin, or owner attempts to modify both the affiliation and role of the same item".
  await refused(
    romeo.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item nick="juliet" role="moderator"/><item jid="${juliet.bare}" nick="juliet" affiliation="admin" role="moderator"/></query></iq>`,
    'bad-request',
    'An item changes an affiliation or a role, not both',
  )
  expect(await listed(romeo, 'role="moderator"')).toEqual([romeo.jid.text])
  for (const actor of [romeo, juliet]) await actor.receivesNothing()
})

scenario('XEP-0045 § 9.5: an empty nick is kept for nobody', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  const kept = async () => {
    const answer =
      await romeo.asks`<iq type="get" to="${ROOM}"><query xmlns="${ADMIN}"><item affiliation="member"/></query></iq>`
    return answer.elements().map(({ attrs }) => [attrs['jid'], attrs['nick']])
  }
  await change(romeo, `<item affiliation="member" jid="${juliet.bare}" nick="fairest"/>`)
  // What is not said stays.
  await change(romeo, `<item affiliation="member" jid="${juliet.bare}"/>`)
  expect(await kept()).toEqual([[juliet.bare.text, 'fairest']])
  // "To unset a reserved nickname, the 'nick' attribute must be set to an empty string."
  await change(romeo, `<item affiliation="member" jid="${juliet.bare}" nick=""/>`)
  expect(await kept()).toEqual([[juliet.bare.text, undefined]])
  await romeo.settles()
  await enters(nurse, 'fairest', ['romeo'])
  await romeo.settles()
})

scenario('XEP-0045 § 8.4: voice of somebody at the same level is not taken', async ({ server }) => {
  const names = ['romeo/orchard', 'juliet/balcony', 'nurse/x', 'tybalt/x'] as const
  const [romeo, juliet, nurse, tybalt] = await (await server('a.test')).connect(...names)
  await makes(romeo, 'romeo')
  for (const member of [juliet, nurse]) await change(romeo, `<item affiliation="member" jid="${member.bare}"/>`)
  await enters(juliet, 'juliet', ['romeo'])
  await enters(nurse, 'nurse', ['romeo', 'juliet'])
  await enters(tybalt, 'tybalt', ['romeo', 'juliet', 'nurse'])
  await change(romeo, '<item nick="juliet" role="moderator"/>')
  await change(romeo, '<item nick="tybalt" role="moderator"/>')
  for (const actor of [romeo, juliet, nurse, tybalt]) await actor.settles()

  const takes = (moderator: Actor, nick: string) =>
    moderator.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item nick="${nick}" role="visitor"/></query></iq>`
  await refused(takes(juliet, 'nurse'), 'not-allowed', 'That occupant has voice by an affiliation like yours')
  await refused(takes(tybalt, 'nurse'), 'not-allowed', 'That occupant outranks you')
  await refused(takes(romeo, 'romeo'), 'not-allowed', 'Admins and owners are moderators')
  for (const actor of [romeo, juliet, nurse, tybalt]) await actor.receivesNothing()
  await takes(romeo, 'nurse')
  for (const actor of [romeo, juliet, nurse, tybalt])
    await actor.receives`<presence from="${ROOM}/nurse"><x xmlns="${USER}"><item role="visitor"/></x></presence>`
})

scenario('XEP-0045 § 8.4: a moderator without affiliation takes voice from others without', async ({ server }) => {
  const [romeo, tybalt, paris] = await (await server('a.test')).connect('romeo/orchard', 'tybalt/x', 'paris/x')
  await makes(romeo, 'romeo')
  await enters(tybalt, 'tybalt', ['romeo'])
  await enters(paris, 'paris', ['romeo', 'tybalt'])
  await change(romeo, '<item nick="tybalt" role="moderator"/>')
  for (const actor of [romeo, tybalt, paris]) await actor.settles()
  await tybalt.asks`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}"><item nick="paris" role="visitor"/></query></iq>`
  for (const actor of [romeo, tybalt, paris])
    await actor.receives`<presence from="${ROOM}/paris"><x xmlns="${USER}"><item affiliation="none" role="visitor"/></x></presence>`
})
