import { afterAll, expect, test } from '@jest/globals'
import { Node } from '../security/load/machines.ts'
import { Wired } from '../security/load/wired.ts'

const MAM = 'urn:xmpp:mam:2'
let node: Node | undefined
afterAll(() => node?.remove())

/** Bodies and ids of the archive behind an id. */
async function readOn(client: Wired, after?: string): Promise<{ words: string; ids: readonly string[] }> {
  const place = after === undefined ? '' : `<after>${after}</after>`
  await client.asks('set', `<query xmlns="${MAM}"><set xmlns="http://jabber.org/protocol/rsm">${place}</set></query>`)
  const results = client.inbox.splice(0).flatMap(message => message.child('result', MAM) ?? [])
  const words = results.map(result =>
    result.child('forwarded', 'urn:xmpp:forward:0')!.child('message', 'jabber:client')!.textOf('body'),
  )
  return { words: words.join(' '), ids: results.map(({ attrs }) => attrs['id']!) }
}

test('after a kill, whoever reads on gets what came shortly before, too, and then gets further', async () => {
  node = await Node.open({})
  await node.users('romeo', 'juliet')
  const romeo = await Wired.join(node.port, 'romeo/orchard')
  await romeo.counts()
  for (const word of ['one', 'two']) romeo.says('juliet@localhost', word)
  await romeo.handled()
  const { ids } = await readOn(romeo)
  expect(ids).toHaveLength(2)

  await node.process.stop('SIGKILL')
  await node.process.start()
  // It may have heard of the second one alone.
  const back = await Wired.join(node.port, 'romeo/orchard')
  expect(await readOn(back, ids[1])).toEqual({ words: 'one two', ids })
  expect((await readOn(back, ids[1])).words).toBe('')
  for (const client of [romeo, back]) client.leave()
})
