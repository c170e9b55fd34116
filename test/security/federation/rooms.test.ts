import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Peer } from '../../../packages/wire/test/peer.ts'
import { Abroad, heard } from './abroad.ts'

const MUC = '<x xmlns="http://jabber.org/protocol/muc"/>'
const BALCONY = 'balcony@conference.a.test'

let abroad: Abroad
let peer: Peer

beforeAll(async () => {
  abroad = await Abroad.open(['b.test'])
})
beforeEach(async () => {
  peer = await abroad.proven('b.test')
  await peer.write('<db:result from="b.test" to="conference.a.test">abc</db:result>')
  await peer.until('type="valid"/>')
})
afterEach(() => abroad.clear())
afterAll(() => abroad.close())

/** What the server of b.test was sent when all that it has sent has been dealt with. */
async function answers(): Promise<string> {
  await abroad.settled(peer, 'b.test')
  return abroad.rival.text
}

describe('people of another domain who do not get into a room are told why', () => {
  test('XEP-0045 § 10.1.1: there is no such room, and they may not make one', async () => {
    await peer.write(`<presence from="juliet@b.test/x" to="nowhere@conference.a.test/juliet" id="j1">${MUC}</presence>`)
    expect(await answers()).toMatch(/<presence [^>]*type="error"[^>]*id="j1".*<not-allowed /)
  })

  test('XEP-0045 § 7.2.8: somebody has that nick', async () => {
    const romeo = await abroad.enter('romeo')
    romeo.write(`<presence to="${BALCONY}/moon">${MUC}</presence>`)
    expect(await heard(romeo)).toContain('<status code="201"/>')
    const form = '<x xmlns="jabber:x:data" type="submit"/>'
    await romeo.request('set', `<query xmlns="http://jabber.org/protocol/muc#owner">${form}</query>`, BALCONY)
    await peer.write(`<presence from="juliet@b.test/x" to="${BALCONY}/moon" id="j2">${MUC}</presence>`)
    expect(await answers()).toMatch(/<presence [^>]*type="error"[^>]*id="j2".*<conflict /)
  })

  test('RFC 6121 § 8.5.1: whether there is an account is told to nobody', async () => {
    await abroad.enter('romeo')
    for (const to of ['nobody@a.test', 'romeo@a.test', 'romeo@a.test/away'])
      await peer.write(`<presence from="juliet@b.test/x" to="${to}" id="j3"/>`)
    expect(await answers()).not.toContain('j3')
  })
})
