import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { RawClient } from '@parley/testkit'
import type { Peer } from '../../../packages/wire/test/peer.ts'
import { Abroad, heard } from './abroad.ts'

const PUBSUB = 'http://jabber.org/protocol/pubsub'
const hashOf = (address: string) => createHash('sha256').update(address).digest('hex')

let abroad: Abroad
let romeo: RawClient
let service: Peer
let peer: Peer

beforeAll(async () => {
  abroad = await Abroad.open(['list.test', 'b.test', 'c.test'], { federation: { blocklists: ['list.test/bans'] } })
  // A minute after the start, it asks.
  abroad.front.clock.advance(60_000)
})
beforeEach(async () => {
  romeo = await abroad.enter('romeo')
  service = await abroad.proven('list.test')
  peer = await abroad.proven('b.test')
})
afterEach(async () => {
  await event(service, '<purge node="bans"/>')
  await abroad.clear()
})
afterAll(() => abroad.close())

async function event(from: Peer, content: string, sender = 'list.test'): Promise<void> {
  await from.write(`<message from="${sender}" to="a.test"><event xmlns="${PUBSUB}#event">${content}</event></message>`)
}
const listing = (...ids: string[]) => `<items node="bans">${ids.map(id => `<item id="${id}"/>`).join('')}</items>`

/** What becomes of a message, once it is so. */
async function becomes(from: string, id: string, so: 'heard' | 'refused'): Promise<void> {
  const message = `<message from="${from}/x" to="romeo@a.test" type="chat" id="${id}"><body>hi</body></message>`
  for (let tries = 0; tries < 200; tries++) {
    abroad.rival.received.length = 0
    await peer.write(message)
    await abroad.settled(peer, 'b.test')
    const came = (await heard(romeo)).includes(`id="${id}"`)
    const answer = new RegExp(`id="${id}"(?:(?!</message>).)*You are on the block list list.test/bans`)
    const refused = answer.test(abroad.rival.text)
    if (so === 'heard' ? came && !refused : refused && !came) return
  }
  throw new Error(`The message ${id} is not ${so}`)
}

describe('real-time block lists', () => {
  test('a list is subscribed to and read', async () => {
    abroad.front.clock.advance(3_700_000)
    await abroad.front.until(() => abroad.rival.text.includes('<items node="bans"/>'))
    expect(abroad.rival.text).toContain('<subscribe node="bans" jid="a.test"/>')
    const [, id] = /<iq [^>]*type="get" id="([^"]+)"><pubsub[^>]*><items node="bans"/.exec(abroad.rival.text)!
    const items = listing(hashOf('juliet@b.test'), 'no hash')
    service = await abroad.proven('list.test')
    peer = await abroad.proven('b.test')
    romeo = await abroad.enter('romeo')
    await service.write(
      `<iq type="result" id="${id}" from="list.test" to="a.test"><pubsub xmlns="${PUBSUB}">${items}</pubsub></iq>`,
    )
    await becomes('juliet@b.test', 'read', 'refused')
    await becomes('nurse@b.test', 'other', 'heard')
  })

  test('who is put on it is refused at once, by address or by domain, and heard when taken off', async () => {
    await event(service, listing(hashOf('juliet@b.test')))
    await becomes('juliet@b.test', 'one', 'refused')
    await becomes('nurse@b.test', 'two', 'heard')
    await event(service, `<items node="bans"><retract id="${hashOf('juliet@b.test')}"/></items>`)
    await becomes('juliet@b.test', 'three', 'heard')
    await event(service, listing(hashOf('b.test')))
    await becomes('nurse@b.test', 'four', 'refused')
  })

  test('contacts are heard all the same; rooms are not entered', async () => {
    await romeo.request('set', '<query xmlns="jabber:iq:roster"><item jid="juliet@b.test"/></query>')
    await event(service, listing(hashOf('b.test')))
    await becomes('nurse@b.test', 'one', 'refused')
    await becomes('juliet@b.test', 'two', 'heard')
    await romeo.request(
      'set',
      '<query xmlns="jabber:iq:roster"><item jid="juliet@b.test" subscription="remove"/></query>',
    )
    abroad.rival.received.length = 0
    await peer.write(
      '<presence from="nurse@b.test/x" to="room@conference.a.test/nurse"><x xmlns="http://jabber.org/protocol/muc"/></presence>',
    )
    await abroad.front.until(() => abroad.rival.text.includes('</presence>'))
    expect(abroad.rival.text).toMatch(
      /<presence from="room@conference\.a\.test\/nurse"[^>]*type="error".*<policy-violation/,
    )
  })

  test('nobody else puts anybody on it', async () => {
    const other = await abroad.proven('c.test')
    await event(other, listing(hashOf('juliet@b.test')), 'c.test')
    await event(service, `<items node="other"><item id="${hashOf('juliet@b.test')}"/></items>`)
    await event(service, listing(hashOf('juliet@b.test')), 'somebody@list.test')
    await abroad.settled(other, 'c.test')
    await abroad.settled(service, 'list.test')
    await becomes('juliet@b.test', 'one', 'heard')
  })
})
