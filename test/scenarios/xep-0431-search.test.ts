import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { fin, read } from './archive-reader.ts'

const FIELD = '{urn:xmpp:fulltext:0}fulltext'

/** The ids of the messages that have what is looked for. */
async function search(actor: Actor, text: string, more: Record<string, string> = {}, rsm?: string): Promise<string> {
  const { messages } = await read(actor, { fields: { [FIELD]: text, ...more }, ...(rsm !== undefined && { rsm }) })
  return messages.map(({ attrs }) => attrs['id']).join(' ')
}

async function tell(from: Actor, to: string, lines: Readonly<Record<string, string>>): Promise<void> {
  for (const [id, body] of Object.entries(lines))
    await from.sendsRaw(`<message type="chat" to="${to}" id="${id}"><body>${body}</body></message>`)
  await from.fence()
}

scenario('XEP-0431 § 2.1: the account says that its archive can be searched', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const info =
    await romeo.asks`<iq type="get" to="romeo@a.test"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  expect(info.childrenNamed('feature').map(({ attrs }) => attrs['var'])).toContain('urn:xmpp:fulltext:0')
})

scenario('XEP-0431 § 2.2: words and phrases are found, in any language', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await tell(romeo, 'juliet@a.test', {
    light: 'But, soft! What light through yonder window breaks?',
    east: 'It is the east &amp; Juliet is the SUN',
    tea: '東京でお茶を飲みます',
    hello: 'Привет, мир',
  })
  await juliet.settles()

  expect(await search(romeo, 'SOFT light')).toBe('light')
  expect(await search(romeo, 'is')).toBe('east')
  expect(await search(romeo, '"east juliet"')).toBe('east')
  expect(await search(romeo, '"juliet east"')).toBe('')
  expect(await search(romeo, 'お茶')).toBe('tea')
  expect(await search(romeo, 'МИР')).toBe('hello')
  expect(await search(romeo, 'message')).toBe('')
  // § 2.2: an empty field asks for nothing.
  expect(await search(romeo, '')).toBe('light east tea hello')
})

scenario('XEP-0431 § 2.2: other fields narrow the search', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'nurse/kitchen')
  await tell(romeo, 'juliet@a.test', { one: 'soft', two: 'loud' })
  await tell(romeo, 'nurse@a.test', { three: 'soft' })
  for (const actor of [juliet, nurse]) await actor.settles()
  expect(await search(romeo, 'soft', { with: 'nurse@a.test' })).toBe('three')
  expect(await search(romeo, 'soft', { with: 'juliet@a.test' })).toBe('one')
  const { ids } = await read(romeo)
  expect(await search(romeo, 'soft', { 'after-id': ids[0]! })).toBe('three')
})

scenario('XEP-0431 § 2.2: what is found comes in pages, in both directions, new and old', async ({ server, after }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  const lines = (from: number, to: number) =>
    Object.fromEntries(
      Array.from({ length: to - from }, (_, n) => [`m${from + n}`, (from + n) % 40 === 0 ? 'soft' : 'loud']),
    )
  await tell(romeo, 'juliet@a.test', lines(0, 300))
  await juliet.settles()
  // Now these are old enough to be indexed.
  await after('5m')
  await tell(romeo, 'juliet@a.test', lines(300, 330))
  await juliet.settles()

  const walk = async (place: string, edge: 'first' | 'last') => {
    const pages: string[] = []
    for (let at = edge === 'first' ? '<before/>' : ''; ; ) {
      const { messages, ids, fin } = await read(romeo, { fields: { [FIELD]: 'soft' }, rsm: `<max>3</max>${at}` })
      pages.push(messages.map(({ attrs }) => attrs['id']).join(' '))
      if (fin.attrs['complete'] === 'true') return pages
      at = `<${place}>${edge === 'first' ? ids[0] : ids.at(-1)}</${place}>`
    }
  }
  expect(await walk('after', 'last')).toEqual(['m0 m40 m80', 'm120 m160 m200', 'm240 m280 m320'])
  expect(await walk('before', 'first')).toEqual(['m240 m280 m320', 'm120 m160 m200', 'm0 m40 m80'])
})

scenario('XEP-0431 § 2.2: what is encrypted, taken back or said by others is not found', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<message type="chat" to="juliet@a.test" id="secret"><body>soft</body><encrypted xmlns="eu.siacs.conversations.axolotl"/></message>`
  await romeo.sends`<message type="chat" to="juliet@a.test" id="told"><body>loud</body><encryption xmlns="urn:xmpp:eme:0" namespace="x"/></message>`
  await tell(romeo, 'juliet@a.test', { gone: 'soft' })
  await juliet.sends`<message type="chat" to="juliet@a.test" id="own"><body>soft</body></message>`
  await juliet.settles()
  expect(await search(juliet, 'soft')).toBe('gone own')
  await romeo.sends`<message type="chat" to="juliet@a.test" id="r"><retract xmlns="urn:xmpp:message-retract:1" id="gone"/></message>`
  await romeo.fence()
  await juliet.settles()
  expect(await search(juliet, 'soft')).toBe('own')
  expect(await search(romeo, 'soft')).toBe('')
  await refused(fin(romeo, { to: 'juliet@a.test', fields: { [FIELD]: 'soft' } }), 'forbidden')
})
