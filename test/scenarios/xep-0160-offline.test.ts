import { expect } from '@jest/globals'
import { type Actor, like, type StagedServer, scenario } from '@parley/testkit'
import { read, say } from './archive-reader.ts'

const SM = 'urn:xmpp:sm:3'
const TIME = like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

/** What came as messages since the last look, by their bodies. */
async function messages(actor: Actor): Promise<string> {
  await actor.fence()
  const came = actor.client.inbox.splice(0)
  return came
    .filter(({ name }) => name === 'message')
    .map(message => message.textOf('body') ?? '')
    .join(' ')
}

async function arrive(stage: StagedServer, address: string, priority = 0): Promise<Actor> {
  const [actor] = await stage.connect(address)
  await actor!.sends`<presence><priority>${priority}</priority></presence>`
  return actor!
}

const owed = async (stage: StagedServer, account: string) => {
  await stage.store.messages.flush()
  return stage.store.messages.owedCount(account)
}

scenario('XEP-0160 § 2: a message waits for who is away, and comes with its time and id', async ({ server, after }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  await romeo.sends`<message type="chat" to="juliet@a.test" id="m1"><body>Good night</body></message>`
  await romeo.sends`<message to="juliet@a.test" id="m2"><body>Parting</body></message>`
  await romeo.receivesNothing()
  await after('5m')

  const [juliet] = await stage.connect('juliet/balcony')
  await juliet.receivesNothing()
  await juliet.sends`<presence/>`
  await juliet.receives`<presence from="${juliet}"/>`
  await juliet.receives`<message type="chat" from="${romeo}" to="juliet@a.test" id="m1"><body>Good night</body><delay xmlns="urn:xmpp:delay" from="a.test" stamp="${TIME}"/><stanza-id xmlns="urn:xmpp:sid:0" by="juliet@a.test"/></message>`
  await juliet.receives`<message from="${romeo}" id="m2"><body>Parting</body><delay xmlns="urn:xmpp:delay" from="a.test"/></message>`
  await juliet.receivesNothing()
  expect(await owed(stage, 'juliet@a.test')).toBe(0)

  await juliet.leaves()
  expect(await messages(await arrive(stage, 'juliet/phone'))).toBe('')
})

scenario('XEP-0160 § 2: whoever arrives second gets nothing twice', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  await say(romeo, 'juliet@a.test', 'one two three')

  const both = await stage.connect('juliet/balcony', 'juliet/phone')
  await Promise.all(both.map(actor => actor.sends`<presence/>`))
  const came = [await messages(both[0]), await messages(both[1])]
  expect(came.toSorted()).toEqual(['', 'one two three'])
})

scenario('XEP-0160 § 2: what an acknowledging client has not taken is not given to another', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  await say(romeo, 'juliet@a.test', 'one two')
  const [phone] = await stage.connect('juliet/phone')
  await phone.sends`<enable xmlns="${SM}"/>`
  await phone.receives`<enabled xmlns="${SM}"/>`
  await phone.sends`<presence/>`
  expect(await messages(phone)).toBe('one two')
  expect(await owed(stage, 'juliet@a.test')).toBe(2)

  const laptop = await arrive(stage, 'juliet/laptop')
  expect(await messages(laptop)).toBe('')
  await phone.settles()
  await phone.leaves()
  await laptop.receives`<presence type="unavailable" from="${phone}"/>`
  for (const word of ['one', 'two']) await laptop.receives`<message><body>${word}</body></message>`
  await laptop.fence()
  expect(await owed(stage, 'juliet@a.test')).toBe(0)
})

scenario('XEP-0160 § 2: an acknowledgement clears what was owed', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  await say(romeo, 'juliet@a.test', 'one two')
  const [phone] = await stage.connect('juliet/phone')
  await phone.sends`<enable xmlns="${SM}"/>`
  await phone.receives`<enabled xmlns="${SM}"/>`
  await phone.sends`<presence/>`
  await phone.receives`<presence/>`
  await phone.receives`<message><body>one</body></message>`
  await phone.receives`<message><body>two</body></message>`
  await phone.sends`<a xmlns="${SM}" h="2"/>`
  await phone.fence()
  expect(await owed(stage, 'juliet@a.test')).toBe(1)
  await phone.sends`<a xmlns="${SM}" h="3"/>`
  await phone.fence()
  expect(await owed(stage, 'juliet@a.test')).toBe(0)
})

scenario('XEP-0160 § 2: negative priority gets nothing until it is raised', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  const bot = await arrive(stage, 'juliet/bot', -1)
  await say(romeo, 'juliet@a.test', 'one two')
  expect(await messages(bot)).toBe('')

  await bot.sends`<presence><priority>-2</priority></presence>`
  expect(await messages(bot)).toBe('')
  await bot.sends`<presence><priority>0</priority></presence>`
  expect(await messages(bot)).toBe('one two')
  await bot.sends`<presence><priority>1</priority></presence>`
  expect(await messages(bot)).toBe('')
})

scenario('XEP-0160 § 2: many messages come in order', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  const numbers = Array.from({ length: 250 }, (_, n) => String(n))
  for (const n of numbers) await romeo.sends`<message type="chat" to="juliet@a.test"><body>${n}</body></message>`
  await romeo.fence()
  expect(await messages(await arrive(stage, 'juliet/balcony'))).toBe(numbers.join(' '))
})

scenario('XEP-0160 § 2: when too much waits the sender is told, strangers first', async ({ server, befriend }) => {
  const stage = await server('a.test', { config: { limits: { stanzas: 0, logins: 0, connections: 0, offline: 4 } } })
  const [romeo, tybalt, juliet] = await stage.join('romeo/orchard', 'tybalt/street', 'juliet/balcony')
  await befriend(romeo, juliet)
  await juliet.leaves()
  for (const actor of [romeo, tybalt]) await actor.settles()

  const full = async (actor: Actor, id: string) => {
    await actor.receives`<message type="error" from="juliet@a.test" id="${id}"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">Too much waits for the recipient</text></error></message>`
  }
  await say(tybalt, 'juliet@a.test', 'one two three')
  await full(tybalt, 'three')
  await say(romeo, 'juliet@a.test', 'four five six')
  await full(romeo, 'six')
  expect(await messages(await arrive(stage, 'juliet/phone'))).toBe('one two four five')
  await romeo.settles()
})

scenario('XEP-0160 § 3: headlines, rooms, errors and typing do not wait', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  for (const type of ['headline', 'error'])
    await romeo.sends`<message type="${type}" to="juliet@a.test"><body>x</body></message>`
  await romeo.sends`<message type="chat" to="juliet@a.test"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`
  await romeo.sends`<message type="groupchat" to="juliet@a.test" id="room"><body>x</body></message>`
  await romeo.receives`<message type="error" id="room"/>`
  await romeo.receivesNothing()
  expect(await owed(stage, 'juliet@a.test')).toBe(0)
})

scenario('XEP-0160 § 2: without an archive messages wait all the same, and are gone when taken', async ({ server }) => {
  const stage = await server('a.test', { config: { archive: false } })
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  await say(romeo, 'juliet@a.test', 'one two')
  const juliet = await arrive(stage, 'juliet/balcony')
  expect(await messages(juliet)).toBe('one two')
  expect(await owed(stage, 'juliet@a.test')).toBe(0)
  for (const actor of [romeo, juliet]) expect((await read(actor)).words).toBe('')
})

scenario('XEP-0160 § 2: what was read in the archive is not delivered once more', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  await say(romeo, 'juliet@a.test', 'one two three')
  const [juliet] = await stage.connect('juliet/balcony')
  expect((await read(juliet, { rsm: '<max>2</max>' })).words).toBe('one two')
  await juliet.sends`<presence/>`
  expect(await messages(juliet)).toBe('three')
})

const GROWING = [
  ['characters that are escaped', `<body>${'>'.repeat(100_000)}</body>`],
  ['quotation marks', `<body>b</body><a xmlns="u:x" v='${'"'.repeat(60_000)}'/>`],
  ['depth', `<body>b</body>${'<a>'.repeat(125)}${'</a>'.repeat(125)}`],
  ['breadth', `<body>b</body>${'<a/>'.repeat(9_998)}`],
] as const

for (const [what, payload] of GROWING) {
  scenario(`XEP-0160 § 3: what is stored larger than it came stops nothing: ${what}`, async ({ server }) => {
    const stage = await server('a.test')
    const [romeo] = await stage.connect('romeo/orchard')
    await stage.account('juliet')
    const message = (id: string, content: string) =>
      romeo.sendsRaw(`<message type="chat" to="juliet@a.test" id="${id}">${content}</message>`)
    await message('1', '<body>one</body>')
    await message('2', payload)
    await message('3', '<body>three</body>')
    await romeo.fence()
    const [juliet] = await stage.connect('juliet/balcony')
    await juliet.sends`<presence/>`
    await juliet.receives`<presence from="${juliet}"/>`
    for (const id of ['1', '2', '3']) await juliet.receives`<message id="${id}"/>`
  })
}

scenario('XEP-0160 § 2: without an archive, too, what comes meanwhile overtakes nothing', async ({ server }) => {
  const stage = await server('a.test', { config: { archive: false } })
  const [romeo] = await stage.join('romeo/orchard')
  const [juliet] = await stage.connect('juliet/balcony')
  await say(romeo, 'juliet@a.test', 'one')
  const log = stage.store.messages
  const { owedFor } = log
  let goOn = () => {}
  const held = new Promise<void>(resolve => {
    goOn = resolve
  })
  const reading = new Promise<void>(resolve => {
    log.owedFor = (...given) => {
      resolve()
      return held.then(() => owedFor(...given))
    }
  })
  try {
    await juliet.sends`<presence/>`
    await juliet.receives`<presence from="${juliet}"/>`
    await reading
    await say(romeo, 'juliet@a.test', 'two')
  } finally {
    log.owedFor = owedFor
    goOn()
  }
  for (const id of ['one', 'two']) await juliet.receives`<message id="${id}"/>`
})

scenario(
  'XEP-0160 § 2: a stored message that cannot be read does not stand in the way of the others',
  async ({ server, expectComplaint }) => {
    const stage = await server('a.test')
    const [romeo] = await stage.join('romeo/orchard')
    await stage.account('juliet')
    const row = { owner: 'juliet@a.test', peer: 'romeo@a.test', type: 'chat', kept: false, owed: true } as const
    await stage.store.messages.append([{ ...row, stanza: '<message' }])
    await romeo.sends`<message type="chat" to="juliet@a.test"><body>still here</body></message>`
    await romeo.fence()

    const [juliet] = await stage.connect('juliet/balcony')
    await juliet.sends`<presence/>`
    await juliet.receives`<presence from="${juliet}"/>`
    await juliet.receives`<message><body>still here</body></message>`
    expectComplaint(/a stored message cannot be read/)
  },
)
