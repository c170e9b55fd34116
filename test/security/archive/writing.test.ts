import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'
import { aligned, read } from '../../scenarios/archive-reader.ts'

const HOUR = 3_600_000
const hint = (name: string) => `<${name} xmlns="urn:xmpp:hints"/>`
const TYPING = '<composing xmlns="http://jabber.org/protocol/chatstates"/>'

const ids = async (actor: Actor) => (await read(actor)).messages.map(({ attrs }) => attrs['id'])

scenario('threat 102: what says nothing is not kept, whoever sends it', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const send = (type: string, id: string, payload: string) =>
    romeo.sendsRaw(`<message type="${type}" to="${juliet}" id="${id}">${payload}</message>`)
  await send('chat', 'empty', '')
  await send('chat', 'typing', TYPING)
  await send('error', 'unasked', `<body>x</body>${hint('store')}`)
  await send('headline', 'news', `<body>x</body>${hint('store')}`)
  await send('chat', 'both', `<body>x</body>${hint('no-store')}${hint('store')}`)
  await send('chat', 'stored', `${TYPING}${hint('store')}${hint('store')}`)
  await juliet.settles()
  expect(await ids(juliet)).toEqual(['stored'])
})

scenario('threat 102: strangers leave nothing where only contacts are kept', async ({ server }) => {
  const stage = await server('a.test', { config: { archiveDefault: 'roster' } })
  const [paris, juliet] = await stage.join('paris/street', 'juliet/balcony')
  await paris.sendsRaw(`<message type="chat" to="${juliet}" id="m"><body>x</body>${hint('store')}</message>`)
  await juliet.settles()
  expect(await ids(juliet)).toEqual([])
})

scenario(
  'threat 102: a message to oneself is kept once, however it is sent and to whom it is copied',
  async ({ server }) => {
    const [romeo, phone] = await (await server('a.test')).join('romeo/orchard', 'romeo/phone')
    await phone.asks`<iq type="set"><enable xmlns="urn:xmpp:carbons:2"/></iq>`
    for (const [id, to] of Object.entries({ bare: 'romeo@a.test', self: romeo.jid.text, other: phone.jid.text }))
      await romeo.sendsRaw(`<message type="chat" to="${to}" id="${id}"><body>x</body></message>`)
    await romeo.sends`<message type="chat" id="nobody"><body>x</body></message>`
    for (const actor of [romeo, phone]) await actor.settles()
    expect(await ids(romeo)).toEqual(['bare', 'self', 'other', 'nobody'])
  },
)

scenario(
  'threat 103: whatever the clock does, ids rise and pages have neither gap nor repeat',
  async ({ server, clock }) => {
    const stage = await server('a.test')
    aligned(clock, stage.store)
    const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
    const steps = [0, -HOUR, 0, 24 * HOUR, -HOUR, 1, -24 * HOUR, 0, -1, HOUR]
    const sent: string[] = []
    for (const [n, step] of steps.entries()) {
      clock.stepTo(clock.now() + step)
      for (let k = 0; k < 4; k++) {
        const from = k % 2 === 0 ? romeo : juliet
        const to = k % 2 === 0 ? 'juliet@a.test' : 'romeo@a.test'
        sent.push(`${n}-${k}`)
        await from.sends`<message type="chat" to="${to}" id="${n}-${k}"><body>x</body></message>`
        await from.fence()
      }
    }
    for (const actor of [romeo, juliet]) await actor.settles()

    for (const actor of [romeo, juliet]) {
      const whole = await read(actor)
      expect(whole.messages.map(({ attrs }) => attrs['id'])).toEqual(sent)
      expect(whole.ids).toEqual([...whole.ids].sort())
      for (const size of [1, 3, 7, 39]) {
        expect(await walk(actor, size, false)).toEqual(whole.ids)
        expect(await walk(actor, size, true)).toEqual(whole.ids)
      }
    }
  },
)

/** All ids of an archive, page by page. */
async function walk(actor: Actor, size: number, backwards: boolean): Promise<string[]> {
  const all: string[] = []
  for (let place = backwards ? '<before/>' : ''; ; ) {
    const { ids, fin } = await read(actor, { rsm: `<max>${size}</max>${place}` })
    all.splice(backwards ? 0 : all.length, 0, ...ids)
    if (fin.attrs['complete'] === 'true') return all
    place = backwards ? `<before>${ids[0]}</before>` : `<after>${ids.at(-1)}</after>`
  }
}
