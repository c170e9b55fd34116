import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { aligned, fin, read, say } from './archive-reader.ts'

const WORDS = 'but soft what light through'

scenario('XEP-0313 § 4.2: both people find a conversation in their archives', async ({ server, after, clock }) => {
  const stage = await server('a.test')
  const time = aligned(clock, stage.store)
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', 'soft', after)
  await say(juliet, romeo.jid.text, 'ay', after)
  for (const actor of [romeo, juliet]) await actor.settles()

  for (const actor of [romeo, juliet]) {
    const { words, messages, results } = await read(actor, { attributes: 'queryid="f27"' })
    expect(words).toBe('soft ay')
    expect(results.map(({ attrs }) => attrs['queryid'])).toEqual(['f27', 'f27'])
    expect(messages[0]?.attrs).toMatchObject({ from: romeo.jid.text, to: 'juliet@a.test', type: 'chat', id: 'soft' })
    const stamps = results.map(
      result => result.child('forwarded', 'urn:xmpp:forward:0')?.child('delay', 'urn:xmpp:delay')?.attrs['stamp'],
    )
    expect(stamps).toEqual([time(0), time(1)])
  }
})

scenario('XEP-0313 § 4: results come before the answer, from the account', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', 'soft')
  await juliet.settles()

  await juliet.sends`<iq type="set" id="q"><query xmlns="urn:xmpp:mam:2"/></iq>`
  await juliet.receives`<message from="juliet@a.test" to="${juliet}"><result xmlns="urn:xmpp:mam:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" id="soft"><body>soft</body></message></forwarded></result></message>`
  await juliet.receives`<iq type="result" id="q"><fin xmlns="urn:xmpp:mam:2" complete="true"/></iq>`
})

scenario('XEP-0313 § 4: queries in one go are answered one after another', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', 'soft')
  await juliet.settles()

  for (const id of ['q1', 'q2', 'q3'])
    await juliet.sends`<iq type="set" id="${id}"><query xmlns="urn:xmpp:mam:2" queryid="${id}"/></iq>`
  for (const id of ['q1', 'q2', 'q3']) {
    await juliet.receives`<message><result xmlns="urn:xmpp:mam:2" queryid="${id}"/></message>`
    await juliet.receives`<iq type="result" id="${id}"/>`
  }
})

scenario('XEP-0313 § 3.5: a message says where the recipient’s archive has it, and only that', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<message type="chat" to="juliet@a.test"><body>soft</body></message>`
  const message = await juliet.client.next('the message')
  const ids = message.elements().filter(({ name }) => name === 'stanza-id')
  expect(ids.map(({ attrs }) => attrs['by'])).toEqual(['juliet@a.test'])

  const { ids: archived, messages } = await read(juliet)
  expect(archived).toEqual([ids[0]?.attrs['id']])
  expect(messages[0]?.elements().map(({ name }) => name)).toEqual(['body'])
  const own = await read(romeo)
  expect(own.ids).not.toEqual(archived)
})

scenario('XEP-0313 § 4.1.1: with filters by the other side, bare or full', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'nurse/kitchen')
  await say(romeo, 'juliet@a.test', 'one')
  await say(romeo, juliet.jid.text, 'two')
  await say(nurse, 'romeo@a.test', 'three')
  await say(romeo, 'romeo@a.test', 'four')
  for (const actor of [romeo, juliet]) await actor.settles()

  const words = async (jid: string) => (await read(romeo, { fields: { with: jid } })).words
  expect(await words('juliet@a.test')).toBe('one two')
  expect(await words('juliet@a.test/balcony')).toBe('two')
  expect(await words('nurse@a.test')).toBe('three')
  expect(await words('NURSE@A.test')).toBe('three')
  expect(await words('tybalt@a.test')).toBe('')
  // What one says to oneself is there once.
  expect(await words('romeo@a.test')).toBe('four')
  await refused(fin(romeo, { fields: { with: '@@' } }), 'jid-malformed')
})

scenario('XEP-0313 § 4.1.2: start and end are inclusive', async ({ server, after, clock }) => {
  const stage = await server('a.test')
  const time = aligned(clock, stage.store)
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', WORDS, after)
  await juliet.settles()

  const between = async (start: string, end: string) => (await read(romeo, { fields: { start, end } })).words
  expect(await between(time(1), time(3))).toBe('soft what light')
  expect(await between(time(1).replace('.000Z', '.001+00:00'), '')).toBe('what light through')
  expect(await between('', '2020-01-01T11:00:00Z')).toBe('')
  await refused(
    fin(romeo, { fields: { start: 'yesterday' } }),
    'bad-request',
    'A time in the query is not a DateTime of XEP-0082',
  )
})

scenario('XEP-0313 § 4.1.3: before-id, after-id and ids name messages that must be there', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', WORDS)
  await juliet.settles()
  const { ids } = await read(romeo)
  const [first = '', , third = '', , fifth = ''] = ids

  const words = async (fields: Record<string, string | readonly string[]>) => (await read(romeo, { fields })).words
  expect(await words({ 'after-id': third })).toBe('light through')
  expect(await words({ 'before-id': third })).toBe('but soft')
  expect(await words({ 'after-id': first, 'before-id': fifth })).toBe('soft what light')
  expect(await words({ ids: [fifth, first, first] })).toBe('but through')
  const unknown = ['0000000000000', "1' OR 1=1--", '-1', `1${'0'.repeat(30)}`]
  for (const id of unknown) {
    for (const name of ['after-id', 'before-id', 'ids']) {
      await refused(fin(romeo, { fields: { [name]: id } }), 'item-not-found', 'The archive has no message of that id')
    }
  }
  // An id of somebody else's archive is no id here.
  const [foreign = ''] = (await read(juliet)).ids
  await refused(fin(romeo, { fields: { ids: foreign } }), 'item-not-found')
})

scenario('XEP-0313 § 4.1.4: include-groupchat is understood', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', 'soft')
  await juliet.settles()

  for (const value of ['true', 'false', '0', '1']) {
    expect((await read(romeo, { fields: { 'include-groupchat': value } })).words).toBe('soft')
  }
})

scenario('XEP-0313 § 4.1.5: the form lists what can be asked, and nothing else can', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  const form = (await romeo.asks`<iq type="get"><query xmlns="urn:xmpp:mam:2"/></iq>`).child('x', 'jabber:x:data')
  expect(form?.childrenNamed('field').map(({ attrs }) => attrs['var'])).toEqual([
    'FORM_TYPE',
    'with',
    'start',
    'end',
    'before-id',
    'after-id',
    'ids',
    'include-groupchat',
    '{urn:xmpp:fulltext:0}fulltext',
  ])
  await refused(
    fin(romeo, { fields: { colour: 'red' } }),
    'feature-not-implemented',
    'The archive does not know that field',
  )
})

scenario('XEP-0313 § 4.3.2: pages follow one another without gap or repeat', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', WORDS)
  await juliet.settles()

  const seen: string[] = []
  let place = ''
  for (;;) {
    const { words, ids, fin } = await read(romeo, { rsm: `<max>2</max>${place}` })
    seen.push(words)
    const set = fin.child('set', 'http://jabber.org/protocol/rsm')
    expect([set?.textOf('first'), set?.textOf('last')]).toEqual([ids[0], ids.at(-1)])
    if (fin.attrs['complete'] === 'true') break
    place = `<after>${ids.at(-1)}</after>`
  }
  expect(seen).toEqual(['but soft', 'what light', 'through'])
})

scenario('XEP-0313 § 4.3.3: from the newest page back', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', WORDS)
  await juliet.settles()

  const last = await read(romeo, { rsm: '<max>2</max><before/>' })
  expect([last.words, last.fin.attrs['complete']]).toEqual(['light through', undefined])
  const middle = await read(romeo, { rsm: `<max>2</max><before>${last.ids[0]}</before>` })
  expect([middle.words, middle.fin.attrs['complete']]).toEqual(['soft what', undefined])
  const first = await read(romeo, { rsm: `<max>2</max><before>${middle.ids[0]}</before>` })
  expect([first.words, first.fin.attrs['complete']]).toEqual(['but', 'true'])
})

scenario('XEP-0313 § 4.3.4: a flipped page has the newest first, but is the same page', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', WORDS)
  await juliet.settles()

  const { words, ids, fin } = await read(romeo, { rsm: '<max>3</max>', more: '<flip-page/>' })
  expect(words).toBe('what soft but')
  const set = fin.child('set', 'http://jabber.org/protocol/rsm')
  expect([set?.textOf('first'), set?.textOf('last')]).toEqual([ids[2], ids[0]])
})

scenario('XEP-0313 § 4.3.1: a page has a hundred messages at most', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  for (let n = 0; n < 105; n++) await romeo.sends`<message type="chat" to="juliet@a.test"><body>${n}</body></message>`
  await juliet.settles()

  const { ids, fin } = await read(romeo, { rsm: '<max>1000000000</max>' })
  expect([ids.length, fin.attrs['complete']]).toEqual([100, undefined])
  const rest = await read(romeo, { rsm: `<after>${ids.at(-1)}</after>` })
  expect([rest.words, rest.fin.attrs['complete']]).toEqual(['100 101 102 103 104', 'true'])
})

scenario('XEP-0313 § 5: metadata of an archive', async ({ server, after, clock }) => {
  const stage = await server('a.test')
  const time = aligned(clock, stage.store)
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  const empty = await romeo.asks`<iq type="get"><metadata xmlns="urn:xmpp:mam:2"/></iq>`
  expect(empty.elements()).toHaveLength(0)
  await say(romeo, 'juliet@a.test', 'one two', after)
  await juliet.settles()

  const { ids } = await read(romeo)
  await romeo.sends`<iq type="get" id="m"><metadata xmlns="urn:xmpp:mam:2"/></iq>`
  await romeo.receives`<iq type="result" id="m"><metadata xmlns="urn:xmpp:mam:2"><start id="${ids[0]!}" timestamp="${time(0)}"/><end id="${ids[1]!}" timestamp="${time(1)}"/></metadata></iq>`
})

scenario('XEP-0313 § 6.1.1: what is said is kept; typing, rooms, headlines and errors are not', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const send = async (type: string, id: string, payload: string) =>
    romeo.sendsRaw(`<message type="${type}" to="${juliet}" id="${id}">${payload}</message>`)
  const kept: readonly (readonly [string, string, string])[] = [
    ['chat', 'body', '<body>x</body>'],
    ['normal', 'plain', '<body>x</body>'],
    ['chat', 'omemo', '<encrypted xmlns="eu.siacs.conversations.axolotl"/>'],
    ['chat', 'receipt', '<received xmlns="urn:xmpp:receipts" id="1"/>'],
    ['chat', 'marker', '<displayed xmlns="urn:xmpp:chat-markers:0" id="1"/>'],
    ['chat', 'reaction', '<reactions xmlns="urn:xmpp:reactions:0" id="1"/>'],
    ['chat', 'retraction', '<retract xmlns="urn:xmpp:message-retract:1" id="1"/>'],
    ['chat', 'call', '<propose xmlns="urn:xmpp:jingle-message:0" id="1"/>'],
    ['normal', 'invite', '<x xmlns="jabber:x:conference" jid="room@a.test"/>'],
    ['normal', 'mediated', '<x xmlns="http://jabber.org/protocol/muc#user"><invite from="x@a.test"/></x>'],
  ]
  const passing: readonly (readonly [string, string, string])[] = [
    ['chat', 'typing', '<composing xmlns="http://jabber.org/protocol/chatstates"/>'],
    ['headline', 'news', '<body>x</body>'],
    ['groupchat', 'room', '<body>x</body>'],
    ['error', 'error', '<body>x</body>'],
    ['chat', 'empty', ''],
    ['chat', 'markable', '<markable xmlns="urn:xmpp:chat-markers:0"/>'],
  ]
  for (const message of [...kept, ...passing]) await send(...message)
  await juliet.settles()

  for (const actor of [romeo, juliet]) {
    const { messages } = await read(actor)
    expect(messages.map(({ attrs }) => attrs['id'])).toEqual(kept.map(([, id]) => id))
  }
})

scenario('XEP-0313 § 6.1.1: an error is kept once, where it answers what the account has said', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, juliet.jid.text, 'soft')
  await juliet.settles()
  const fails = (id: string) => juliet.sendsRaw(`<message type="error" to="${romeo}" id="${id}"><error/></message>`)
  for (const id of ['soft', 'soft', 'never-said']) await fails(id)
  await say(juliet, 'romeo@a.test', 'ay')
  await fails('ay')
  await romeo.settles()

  const heads = async (actor: Actor) =>
    (await read(actor)).messages.map(({ attrs }) => `${attrs['type']} ${attrs['id']}`)
  expect(await heads(romeo)).toEqual(['chat soft', 'error soft', 'chat ay'])
  expect(await heads(juliet)).toEqual(['chat soft', 'chat ay'])
})

scenario('XEP-0313 § 6.1.1: an error names the id of the message, whatever its origin-id', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<message type="chat" to="${juliet}" id="m1"><body>soft</body><origin-id xmlns="urn:xmpp:sid:0" id="o1"/></message>`
  await juliet.settles()
  await juliet.sends`<message type="error" to="${romeo}" id="m1"><error/></message>`
  await romeo.settles()
  expect((await read(romeo)).messages.map(({ attrs }) => attrs['type'])).toEqual(['chat', 'error'])
})

scenario('XEP-0313 § 6.1.1: a message that is refused is in no archive of its recipient', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<message to="juliet@a.test/attic" id="m"><body>x</body></message>`
  await romeo.receives`<message type="error" id="m"/>`
  expect((await read(juliet)).words).toBe('')
})

scenario('XEP-0313 § 8.1: nobody reads the archive of somebody else', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(juliet, 'juliet@a.test', 'secret')
  await juliet.settles()

  const text = 'The archive belongs to somebody else'
  await refused(fin(romeo, { to: 'juliet@a.test' }), 'forbidden', text)
  await refused(romeo.asks`<iq type="get" to="juliet@a.test"><query xmlns="urn:xmpp:mam:2"/></iq>`, 'forbidden', text)
  await refused(
    romeo.asks`<iq type="get" to="juliet@a.test"><metadata xmlns="urn:xmpp:mam:2"/></iq>`,
    'forbidden',
    text,
  )
})

scenario('XEP-0313 § 8.2: results from strangers are taken out', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const forged = '<result xmlns="urn:xmpp:mam:2" id="1"><forwarded xmlns="urn:xmpp:forward:0"/></result>'

  await romeo.sendsRaw(`<message to="${juliet}">${forged}</message>`)
  await juliet.receivesNothing()
  await romeo.sendsRaw(`<message to="${juliet}" id="m"><body>x</body>${forged}</message>`)
  const message = await juliet.client.next('the message')
  expect(message.child('result', 'urn:xmpp:mam:2')).toBeUndefined()
  expect(message.textOf('body')).toBe('x')
})

scenario(
  'XEP-0313 § 8.2: results from where the account has asked, or is an occupant, come through',
  async ({ server }) => {
    const [room, juliet, nurse] = await (await server('a.test')).join('room/service', 'juliet/balcony', 'nurse/kitchen')
    const result = '<result xmlns="urn:xmpp:mam:2" id="1"/>'
    await refused(juliet.asks`<iq type="set" to="room@a.test"><query xmlns="urn:xmpp:mam:2"/></iq>`, 'forbidden')
    await nurse.sends`<presence to="${room}"/>`
    await room.receives`<presence from="${nurse}"/>`

    for (const actor of [juliet, nurse]) {
      await room.sendsRaw(`<message to="${actor}">${result}</message>`)
      await actor.receives`<message from="${room}"><result xmlns="urn:xmpp:mam:2" id="1"/></message>`
    }
  },
)

scenario('XEP-0313 § 7: without an archive nothing is kept that is not owed', async ({ server }) => {
  const stage = await server('a.test', { config: { archive: false } })
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<message type="chat" to="juliet@a.test"><body>soft</body></message>`
  await juliet.receives`<message><body>soft</body></message>`

  for (const actor of [romeo, juliet]) expect((await read(actor)).words).toBe('')
})

scenario('XEP-0313 § 4.3.1: who reads on misses nothing that was sent before and stored later', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, phone, mercutio] = await stage.join('romeo/orchard', 'romeo/phone', 'mercutio/street')
  for (const actor of [romeo, phone, mercutio]) await actor.settles()
  await stage.account('juliet')
  const log = stage.store.messages
  const { owedCount } = log
  let goOn = () => {}
  const held = new Promise<void>(resolve => {
    goOn = resolve
  })
  log.owedCount = owner => held.then(() => owedCount(owner))
  try {
    await romeo.sends`<message type="chat" to="juliet@a.test"><body>slow</body></message>`
    await mercutio.sends`<message type="chat" to="romeo@a.test/orchard"><body>quick</body></message>`
    await romeo.receives`<message><body>quick</body></message>`
    const seen = await read(phone)
    expect(seen.words).toBe('quick')
    goOn()
    await romeo.fence()
    expect((await read(phone, { rsm: `<after>${seen.ids[0]}</after>` })).words).toBe('slow')
  } finally {
    log.owedCount = owedCount
  }
})

scenario(
  'XEP-0313 § 4.3.1: who reads on from a time when sessions were lost gets what came shortly before, too',
  async ({ server, after, clock }) => {
    const stage = await server('a.test')
    const [romeo] = await stage.connect('romeo/orchard')
    await stage.account('juliet')
    const at = aligned(clock, stage.store)
    await say(romeo, 'juliet@a.test', 'one two three four', after)
    const { ids } = await read(romeo)
    const lost = { from: Date.parse(at(1)) - 1000, to: Date.parse(at(3)) - 1 }
    const isLost = (gaps: readonly (typeof lost)[]) =>
      stage.lives.forEach(live => void Object.defineProperty(live, 'gaps', { value: gaps }))
    isLost([lost])

    // Three was heard, two was not.
    const [phone] = await stage.connect('romeo/phone')
    expect((await read(phone, { rsm: `<max>1</max><after>${ids[2]}</after>` })).words).toBe('two')
    // It gets further.
    expect((await read(phone, { rsm: `<after>${ids[1]}</after>` })).words).toBe('three four')
    // Another time is none of it.
    const [tablet] = await stage.connect('romeo/tablet')
    expect((await read(tablet, { rsm: `<after>${ids[3]}</after>` })).words).toBe('')
  },
)
