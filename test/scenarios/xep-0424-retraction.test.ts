import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'
import { aligned, read, say } from './archive-reader.ts'
import { MUC, makes, ROOM } from './room.ts'

const RETRACT = 'urn:xmpp:message-retract:1'

/** Takes back what was said under `original`; the retraction's own id is `r-` before it. */
async function retract(from: Actor, to: string, original: string, more = ''): Promise<void> {
  await from.sendsRaw(
    `<message type="chat" to="${to}" id="r-${original}"><retract xmlns="${RETRACT}" id="${original}"/><body>/me took it back</body>${more}</message>`,
  )
}

/** What an archive says: the words, `†id` for a tombstone of the retraction of that id, `-id` for a retraction. */
async function story(actor: Actor): Promise<string[]> {
  return (await read(actor)).messages.map(message => {
    const tombstone = message.child('retracted', RETRACT)
    const retraction = message.child('retract', RETRACT)
    if (tombstone) return `†${tombstone.attrs['id']}${message.textOf('body') ?? ''}`
    return retraction ? `-${retraction.attrs['id']}` : message.textOf('body')!
  })
}

scenario('XEP-0424 § 2: the server and its accounts say that retractions are obeyed', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  for (const to of ['a.test', 'romeo@a.test']) {
    const info = await romeo.asks`<iq type="get" to="${to}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
    const features = info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
    expect(features).toEqual(expect.arrayContaining([RETRACT, `${RETRACT}#tombstone`]))
  }
})

scenario('XEP-0424 § 4: a tombstone stands in both archives, the retraction is kept', async ({ server, clock }) => {
  const stage = await server('a.test')
  const time = aligned(clock, stage.store)
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<message type="chat" to="juliet@a.test" id="m1"><body>holy palmers</body><origin-id xmlns="urn:xmpp:sid:0" id="m1"/><thread>t</thread></message>`
  await say(romeo, 'juliet@a.test', 'soft')
  await retract(romeo, 'juliet@a.test', 'm1')
  for (const actor of [romeo, juliet]) await actor.settles()

  for (const actor of [romeo, juliet]) {
    expect(await story(actor)).toEqual(['†r-m1', 'soft', '-m1'])
    const [tombstone] = (await read(actor)).messages
    expect(tombstone?.attrs).toMatchObject({ from: romeo.jid.text, to: 'juliet@a.test', type: 'chat', id: 'm1' })
    expect(tombstone?.elements().map(({ name }) => name)).toEqual(['retracted', 'origin-id'])
    expect(tombstone?.child('retracted', RETRACT)?.attrs['stamp']).toBe(time(0))
  }
})

scenario('XEP-0424 § 4: what was taken back is not delivered later', async ({ server }) => {
  const stage = await server('a.test', { config: { domains: { 'a.test': null } } })
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')
  await say(romeo, 'juliet@a.test', 'soft')
  const once = '<no-permanent-store xmlns="urn:xmpp:hints"/>'
  await romeo.sendsRaw(`<message type="chat" to="juliet@a.test" id="once"><body>once</body>${once}</message>`)
  await retract(romeo, 'juliet@a.test', 'soft')
  await retract(romeo, 'juliet@a.test', 'once')
  await romeo.fence()

  const [juliet] = await stage.connect('juliet/balcony')
  await juliet.sends`<presence/>`
  await juliet.receives`<presence/>`
  for (const id of ['soft', 'once']) {
    const message = await juliet.client.next('the tombstone')
    expect([message.attrs['id'], message.textOf('body')]).toEqual([id, undefined])
    expect(message.child('retracted', RETRACT)?.attrs['id']).toBe(`r-${id}`)
  }
  for (const id of ['soft', 'once'])
    await juliet.receives`<message id="r-${id}"><retract xmlns="${RETRACT}" id="${id}"/></message>`
})

scenario(
  'XEP-0424 § 5.1: a message that has an origin-id of another name is taken back by its id',
  async ({ server }) => {
    const stage = await server('a.test')
    const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
    await juliet.leaves()
    await romeo.sends`<message type="chat" to="juliet@a.test" id="m1"><body>holy palmers</body><origin-id xmlns="urn:xmpp:sid:0" id="o1"/></message>`
    await retract(romeo, 'juliet@a.test', 'm1')
    await romeo.fence()
    expect(await story(romeo)).toEqual(['†r-m1', '-m1'])

    const [back] = await stage.connect('juliet/chamber')
    await back.sends`<presence/>`
    await back.receives`<presence/>`
    await back.receives`<message id="m1"><retracted xmlns="${RETRACT}" id="r-m1"/></message>`
    await back.receives`<message id="r-m1"><retract xmlns="${RETRACT}" id="m1"/></message>`
    expect(await story(back)).toEqual(['†r-m1', '-m1'])
  },
)

scenario('XEP-0424 § 5.1: and by its origin-id, unless another message has that id', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<message type="chat" to="juliet@a.test" id="x1"><body>x1</body></message>`
  await romeo.sends`<message type="chat" to="juliet@a.test" id="x2"><body>x2</body><origin-id xmlns="urn:xmpp:sid:0" id="x1"/></message>`
  await romeo.sends`<message type="chat" to="juliet@a.test" id="x3"><body>x3</body><origin-id xmlns="urn:xmpp:sid:0" id="o3"/></message>`
  await retract(romeo, 'juliet@a.test', 'x1')
  await retract(romeo, 'juliet@a.test', 'o3')
  // Once more takes nothing else.
  await retract(romeo, 'juliet@a.test', 'x1')
  for (const actor of [romeo, juliet]) await actor.settles()
  for (const actor of [romeo, juliet]) expect(await story(actor)).toEqual(['†r-x1', 'x2', '†r-o3', '-x1', '-o3', '-x1'])
})

scenario('XEP-0424 § 5: only who said it takes it back, from any of their clients', async ({ server }) => {
  const [romeo, phone, juliet, paris] = await (await server('a.test')).join(
    'romeo/orchard',
    'romeo/phone',
    'juliet/balcony',
    'paris/street',
  )
  await say(romeo, 'juliet@a.test', 'soft')
  // The same id, chosen by the other side: it does not shield the first one.
  await juliet.sends`<message type="chat" to="${romeo}" id="soft"><body>mine</body></message>`
  await juliet.fence()
  await retract(paris, 'juliet@a.test', 'soft')
  await paris.fence()
  await retract(juliet, romeo.jid.text, 'unknown')
  for (const actor of [romeo, juliet, paris]) await actor.settles()
  expect(await story(juliet)).toEqual(['soft', 'mine', '-soft', '-unknown'])
  expect(await story(romeo)).toEqual(['soft', 'mine', '-unknown'])

  await retract(phone, 'juliet@a.test', 'soft')
  for (const actor of [romeo, phone, juliet]) await actor.settles()
  expect(await story(juliet)).toEqual(['†r-soft', 'mine', '-soft', '-unknown', '-soft'])
  expect(await story(romeo)).toEqual(['†r-soft', 'mine', '-unknown', '-soft'])
})

scenario('XEP-0424 § 5: a note to oneself is taken back once', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await say(romeo, 'romeo@a.test', 'note')
  await retract(romeo, 'romeo@a.test', 'note')
  await retract(romeo, 'romeo@a.test', 'note')
  await romeo.settles()
  expect(await story(romeo)).toEqual(['†r-note', '-note', '-note'])
})

scenario(
  'XEP-0424 § 4: without an id, or where it is not kept, a retraction leaves no tombstone',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    await say(romeo, 'juliet@a.test', 'soft')
    await romeo.sends`<message type="chat" to="juliet@a.test"><retract xmlns="${RETRACT}" id="soft"/></message>`
    await romeo.sends`<message type="chat" to="juliet@a.test" id="r"><retract xmlns="${RETRACT}"/></message>`
    await retract(romeo, 'juliet@a.test', 'soft', '<no-store xmlns="urn:xmpp:hints"/>')
    await juliet.settles()
    expect((await read(juliet)).words.split(' ')[0]).toBe('soft')
  },
)

scenario('XEP-0424 § 5: what one occupant has whispered no other takes back', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  for (const actor of [juliet, nurse]) {
    await actor.sends`<presence to="${ROOM}/${actor.jid.local}"><x xmlns="${MUC}"/></presence>`
    await actor.settles()
  }
  for (const actor of [romeo, juliet]) await actor.settles()
  await juliet.sends`<message type="chat" id="w1" to="${ROOM}/romeo"><body>Psst</body></message>`
  await romeo.receives`<message from="${ROOM}/juliet"><body>Psst</body></message>`
  await retract(nurse, `${ROOM}/romeo`, 'w1')
  await romeo.receives`<message from="${ROOM}/nurse"><retract xmlns="${RETRACT}"/></message>`
  expect(await story(romeo)).toEqual(['Psst', '-w1'])
  await retract(juliet, `${ROOM}/romeo`, 'w1')
  await romeo.receives`<message from="${ROOM}/juliet"><retract xmlns="${RETRACT}"/></message>`
  expect(await story(romeo)).toEqual(['†r-w1', '-w1', '-w1'])
  expect(await story(juliet)).toEqual(['†r-w1', '-w1'])
})
