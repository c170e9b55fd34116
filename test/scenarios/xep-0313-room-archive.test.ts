import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { aligned, read } from './archive-reader.ts'
import { enters, isRefused, MUC, makes, ROOM, USER } from './room.ts'

async function says(actor: Actor, body: string): Promise<string> {
  await actor.sends`<message type="groupchat" to="${ROOM}"><body>${body}</body></message>`
  await actor.fence()
  const line = actor.unexpected.find(message => message.textOf('body') === body)
  await actor.settles()
  return line!.child('stanza-id', 'urn:xmpp:sid:0')!.attrs['id']!
}

scenario(
  'XEP-0313 § 4.1.3: who comes back to a room gets everything behind the last line that was seen',
  async stage => {
    const { server } = stage
    const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo')
    await enters(juliet, 'juliet', ['romeo'])
    const seen = await says(romeo, 'one')
    await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
    for (const actor of [romeo, juliet]) await actor.settles()
    await stage.after('1m')
    const since = new Date(stage.clock.now()).toISOString()
    const missed = [await says(romeo, 'two'), await says(romeo, 'three')]

    await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><history since="${since}"/></x></presence>`
    await juliet.fence()
    expect(juliet.unexpected.flatMap(message => message.textOf('body') ?? [])).toEqual(['two', 'three'])
    for (const actor of [romeo, juliet]) await actor.settles()
    const byField = await read(juliet, { to: ROOM, fields: { 'after-id': seen } })
    const byPage = await read(juliet, { to: ROOM, rsm: `<after>${seen}</after>` })
    for (const { words, ids, fin } of [byField, byPage]) {
      expect([words, ids, fin.attrs['complete']]).toEqual(['two three', missed, 'true'])
    }
  },
)

scenario('XEP-0313 § 5: a room tells where its archive begins and ends', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const edges = async (actor: Actor) => {
    const metadata = await actor.asks`<iq type="get" to="${ROOM}"><metadata xmlns="urn:xmpp:mam:2"/></iq>`
    return metadata.elements().map(({ name, attrs }) => [name, attrs['id'], attrs['timestamp']])
  }
  // "If the archive is empty, the server MUST instead send an empty <metadata/> element."
  expect(await edges(juliet)).toEqual([])
  const first = await says(romeo, 'one')
  await says(romeo, 'two')
  const last = await says(romeo, 'three')
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/)
  expect(await edges(juliet)).toEqual([
    ['start', first, time],
    ['end', last, time],
  ])
  await romeo.asksRaw(
    `<iq type="set" to="${ROOM}"><query xmlns="${MUC}#admin"><item affiliation="outcast" jid="${juliet.bare}"/></query></iq>`,
  )
  await refused(
    juliet.asks`<iq type="get" to="${ROOM}"><metadata xmlns="urn:xmpp:mam:2"/></iq>`,
    'forbidden',
    'The archive of this room is not for you',
  )
  await romeo.settles()
})

scenario('XEP-0313 § 7: archives say what fields they understand, where there are any', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo')
  const features = async (to: string) => {
    const info = await romeo.asks`<iq type="get" to="${to}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
    return info
      .childrenNamed('feature')
      .flatMap(({ attrs }) => (attrs['var']?.startsWith('urn:xmpp:mam:2') ? [attrs['var'].slice(14)] : []))
  }
  // "it MUST advertise support only for those JIDs that support it".
  expect(await features('conference.a.test')).toEqual([])
  for (const archive of [ROOM, romeo.bare.text])
    expect((await features(archive)).sort()).toEqual(['', '#extended', '#groupchat-field'])
})

const addresses = async (actor: Actor) =>
  (await read(actor, { to: ROOM })).messages.map(message => message.child('x', USER)?.child('item')?.attrs['jid'])

scenario(
  'XEP-0313 § 6.1.2: where all see real addresses, the archive says who spoke, to those who belong there',
  async ({ server }) => {
    const [romeo, juliet, nurse, stranger] = await (await server('a.test')).connect(
      'romeo/orchard',
      'juliet/balcony',
      'nurse/kitchen',
      'stranger/road',
    )
    await makes(romeo, 'romeo', { whois: 'anyone' })
    await enters(juliet, 'juliet', ['romeo'])
    for (const actor of [romeo, juliet]) await actor.settles()
    await says(romeo, 'one')
    await says(juliet, 'two')
    for (const actor of [romeo, juliet]) await actor.settles()
    expect(await addresses(juliet)).toEqual(['romeo@a.test', 'juliet@a.test'])
    // Who only could come in learns nothing.
    expect(await addresses(stranger)).toEqual([undefined, undefined])
    await romeo.asksRaw(
      `<iq type="set" to="${ROOM}"><query xmlns="${MUC}#admin"><item affiliation="member" jid="nurse@a.test"/></query></iq>`,
    )
    await romeo.settles()
    expect(await addresses(nurse)).toEqual(['romeo@a.test', 'juliet@a.test'])
    // Who has gone and does not belong to the room is not known any more.
    await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
    for (const actor of [romeo, juliet, nurse]) await actor.settles()
    expect(await addresses(romeo)).toEqual(['romeo@a.test', undefined])
  },
)

scenario(
  'XEP-0313 § 6.1.2: where only moderators see addresses, the archive says who spoke to nobody else',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo', { whois: 'moderators' })
    await enters(juliet, 'juliet', ['romeo'])
    for (const actor of [romeo, juliet]) await actor.settles()
    await says(romeo, 'one')
    await juliet.sendsRaw(
      `<message type="groupchat" to="${ROOM}"><body>two</body><x xmlns="${USER}"><item jid="nurse@a.test"/></x><occupant-id xmlns="urn:xmpp:occupant-id:0" id="forged"/></message>`,
    )
    await juliet.fence()
    for (const actor of [romeo, juliet]) await actor.settles()
    expect(await addresses(juliet)).toEqual([undefined, undefined])
    expect(await addresses(romeo)).toEqual(['romeo@a.test', 'juliet@a.test'])
  },
)

scenario('XEP-0313 § 6.1.2: the archive of a room has changes of the subject', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await says(romeo, 'one')
  await juliet.settles()
  await juliet.sends`<message type="groupchat" to="${ROOM}" id="s1"><subject>Fire burn</subject></message>`
  await romeo.receives`<message type="groupchat" from="${ROOM}/juliet" id="s1"><subject>Fire burn</subject><stanza-id xmlns="urn:xmpp:sid:0" by="${ROOM}"/></message>`
  const mark = (await juliet.client.next('the subject')).child('stanza-id', 'urn:xmpp:sid:0')
  await says(romeo, 'two')
  for (const actor of [romeo, juliet]) await actor.settles()

  const { messages, ids } = await read(juliet, { to: ROOM })
  expect(messages.map(line => line.textOf('body') ?? `subject ${line.textOf('subject')}`)).toEqual([
    'one',
    'subject Fire burn',
    'two',
  ])
  expect(messages[1]!.attrs).toMatchObject({ from: `${ROOM}/juliet`, type: 'groupchat', id: 's1' })
  expect(ids[1]).toBe(mark?.attrs['id'])
  // "the room subject (and changes to the room subject prior to the current subject) are not part of the discussion history".
  await juliet.sends`<presence type="unavailable" to="${ROOM}/juliet"/>`
  await juliet.settles()
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"/></presence>`
  await juliet.fence()
  expect(juliet.unexpected.filter(({ name }) => name === 'message').map(line => line.textOf('subject'))).toEqual([
    undefined,
    undefined,
    'Fire burn',
  ])
  for (const actor of [romeo, juliet]) await actor.settles()
})

scenario('XEP-0313 § 6.1.2: a subject that the room refuses is in no archive', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo', { changesubject: '0' })
  await enters(juliet, 'juliet', ['romeo'])
  await romeo.settles()
  await juliet.sends`<message type="groupchat" to="${ROOM}"><subject>Mine</subject></message>`
  await isRefused(juliet, 'message', 'forbidden', 'You may not change the subject')
  expect((await read(juliet, { to: ROOM })).messages).toEqual([])
})

scenario('XEP-0313 § 8.4: what a room keeps has nothing of what rooms say themselves', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await makes(romeo, 'romeo', { whois: 'moderators' })
  await romeo.sends`<message type="groupchat" to="${ROOM}"><x xmlns="${USER}"/><body>one</body></message>`
  const line = await romeo.client.next('the line')
  expect(line.child('x', USER)).toBeUndefined()
})

const words = async (actor: Actor, fields: Readonly<Record<string, string>>, rsm?: string) => {
  const page = await read(actor, { to: ROOM, fields, ...(rsm !== undefined && { rsm }) })
  return [page.words, page.fin.attrs['complete'] === 'true'] as const
}

scenario('XEP-0313 § 4.1.1: moderators find what a person has said, by whatever nick', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await enters(juliet, 'juliet', ['romeo'])
  for (const actor of [romeo, juliet]) await actor.settles()
  for (const [n, word] of ['one', 'two', 'three', 'four', 'five'].entries()) {
    if (n === 3) await juliet.sends`<presence to="${ROOM}/fairest"/>`
    for (const actor of [romeo, juliet]) await actor.settles()
    await says(n % 2 === 0 ? romeo : juliet, word)
    for (const actor of [romeo, juliet]) await actor.settles()
  }
  expect(await words(romeo, { with: juliet.bare.text })).toEqual(['two four', true])
  expect(await words(romeo, { with: romeo.bare.text })).toEqual(['one three five', true])
  expect(await words(romeo, { with: 'nurse@a.test' })).toEqual(['', true])
  // By pages, forwards and backwards, and with a word.
  expect(await words(romeo, { with: romeo.bare.text }, '<max>2</max>')).toEqual(['one three', false])
  expect(await words(romeo, { with: romeo.bare.text }, '<max>2</max><before/>')).toEqual(['three five', false])
  expect(await words(romeo, { with: romeo.bare.text, '{urn:xmpp:fulltext:0}fulltext': 'three' })).toEqual([
    'three',
    true,
  ])
  expect(await words(romeo, { with: romeo.bare.text, '{urn:xmpp:fulltext:0}fulltext': 'two' })).toEqual(['', true])
  // A nick is a nick, the room is everybody.
  expect(await words(romeo, { with: `${ROOM}/juliet` })).toEqual(['two', true])
  expect(await words(romeo, { with: ROOM })).toEqual(['one two three four five', true])
  // Where addresses are hidden, nobody else finds out who it was.
  expect(await words(juliet, { with: romeo.bare.text })).toEqual(['', true])
  expect(await words(juliet, { with: juliet.bare.text })).toEqual(['', true])
})

scenario(
  'XEP-0313 § 4.1.1: who looks for somebody who hardly speaks is asked for a time',
  async ({ server, clock }) => {
    const stage = await server('a.test')
    const [romeo] = await stage.connect('romeo/orchard')
    await makes(romeo, 'romeo')
    const line = (n: number) => ({
      owner: ROOM,
      peer: ROOM,
      resource: 'romeo',
      type: 'groupchat' as const,
      stanza: `<message from="${ROOM}/romeo" type="groupchat"><body>${n}</body></message>`,
      kept: true,
      owed: false,
    })
    for (let n = 0; n < 16; n++)
      await stage.store.messages.append(Array.from({ length: 1000 }, (_, m) => line(1000 * n + m)))
    const since = aligned(clock, stage.store)(0)
    await says(romeo, 'mine')
    const early = { with: romeo.bare.text, end: since }
    await refused(
      read(romeo, { to: ROOM, fields: early }).then(page => page.fin),
      'resource-constraint',
      'Too much was said by others: name a time',
    )
    expect(await words(romeo, { with: romeo.bare.text, start: since })).toEqual(['mine', true])
  },
)
