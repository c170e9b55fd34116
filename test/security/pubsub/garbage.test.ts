import { expect } from '@jest/globals'
import { type Actor, scenario } from '@parley/testkit'
import { PUBSUB, publish, set } from '../../scenarios/pep-client.ts'

const PRIVATE = 'jabber:iq:private'
const BOOKMARKS = 'urn:xmpp:bookmarks:1'

/** What becomes of something that is to be stored: the condition of the refusal, or 'stored'. */
async function stores(actor: Actor, xml: string): Promise<string> {
  const answer = await actor.asksRaw(xml)
  if (answer.attrs['type'] === 'result') return 'stored'
  return answer.child('error')!.elements()[0]!.name
}
const keeps = (actor: Actor, inside: string) =>
  stores(actor, `<iq type="set"><query xmlns="${PRIVATE}">${inside}</query></iq>`)
const bookmarks = (actor: Actor, id: string, inside: string) =>
  stores(actor, set(publish(BOOKMARKS, `<item id="${id}">${inside}</item>`)))

scenario('threat 108: private XML is stored as it is, or refused', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  expect(await keeps(romeo, '')).toBe('bad-request')
  expect(await keeps(romeo, 'only text')).toBe('bad-request')
  expect(await keeps(romeo, '<a/>')).toBe('not-acceptable')
  const many = Array.from({ length: 100 }, (_, n) => `<a xmlns="urn:garbage:${n}"><b xmlns="urn:other:${n}"/></a>`)
  expect(await keeps(romeo, many.join(''))).toBe('stored')
  // There is an end to it.
  expect(await keeps(romeo, '<a xmlns="urn:garbage:100"/>')).toBe('resource-constraint')
  const last = await romeo.asks`<iq type="get"><query xmlns="${PRIVATE}"><a xmlns="urn:garbage:99"/></query></iq>`
  expect(String(last)).toBe(`<query xmlns="${PRIVATE}">${many[99]}</query>`)
})

scenario('threat 108: bookmarks that are none do no harm', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const garbage = [
    ['not an address @@', `<conference xmlns="${BOOKMARKS}"/>`],
    ['coven@rooms.test', '<conference xmlns="urn:other"/>'],
    [
      'heath@rooms.test',
      `<conference xmlns="${BOOKMARKS}" autojoin="perhaps" name="${'n'.repeat(2000)}"><nick><nick/></nick></conference>`,
    ],
    ['x'.repeat(5000), `<conference xmlns="${BOOKMARKS}"/>`],
    ['castle@rooms.test', ''],
  ] as const
  const ends: string[] = []
  for (const [id, inside] of garbage) ends.push(await bookmarks(romeo, id, inside))
  expect(ends.filter(end => !['stored', 'bad-request', 'not-acceptable', 'jid-malformed'].includes(end))).toEqual([])
  // The old place of bookmarks, where the same ones are read and written.
  for (const inside of [
    '<storage xmlns="storage:bookmarks"/>',
    '<storage xmlns="storage:bookmarks"><conference/><conference jid="@"/><url/></storage>',
  ])
    expect(['stored', 'bad-request', 'not-acceptable', 'jid-malformed']).toContain(await keeps(romeo, inside))
  const items = await romeo.asksRaw(
    `<iq type="get"><pubsub xmlns="${PUBSUB}"><items node="${BOOKMARKS}"/></pubsub></iq>`,
  )
  expect(['result', 'error']).toContain(items.attrs['type'])
  await romeo.asks`<iq type="get"><query xmlns="${PRIVATE}"><storage xmlns="storage:bookmarks"/></query></iq>`
  for (const actor of [romeo]) await actor.settles()
})

scenario('threat 108: a megabyte is one stanza too long', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  const text = 'x'.repeat(1_048_576)
  await romeo.sendsRaw(`<iq type="set" id="big"><query xmlns="${PRIVATE}"><a xmlns="urn:a">${text}</a></query></iq>`)
  await romeo.client.until(() => romeo.client.closed || romeo.unexpected.length > 0, 'a refusal')
  expect(romeo.unexpected.map(String).join('')).toMatch(/policy-violation|not-acceptable|resource-constraint/)
  romeo.client.inbox.length = 0
  // Nobody else notices.
  expect(await keeps(juliet, '<a xmlns="urn:a"/>')).toBe('stored')
})
