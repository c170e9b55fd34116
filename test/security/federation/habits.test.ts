import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { RawClient } from '@parley/testkit'
import type { Peer } from '../../../packages/wire/test/peer.ts'
import { Abroad, heard } from './abroad.ts'

const ROSTER = 'jabber:iq:roster'
/** As such a service names the resources of its people. */
const TALK = 'juliet@b.test/Talk.v104A1B2C3D4'

let abroad: Abroad
let romeo: RawClient
let peer: Peer

beforeAll(async () => {
  abroad = await Abroad.open(['b.test', 'mail.test'])
})
/** The profile of such a service: no TLS, no certificates, dialback; two names; nobody vouches for its people. */
beforeEach(async () => {
  const profile = { tls: 'off', sasl: 'off', dialback: 'required', type: 'public-unverified', aliases: 'mail.test' }
  await abroad.run('federation allow', { domain: 'b.test', ...profile })
  romeo = await abroad.enter('romeo')
  await romeo.request('set', `<query xmlns="${ROSTER}"><item jid="juliet@b.test"/></query>`)
  await heard(romeo)
  peer = await abroad.proven('b.test')
})
afterEach(async () => {
  await romeo.request('set', `<query xmlns="${ROSTER}"><item jid="juliet@b.test" subscription="remove"/></query>`)
  await abroad.clear()
})
afterAll(() => abroad.close())

describe('habits of older services', () => {
  test('subscriptions from and to full addresses are between people', async () => {
    romeo.write('<presence to="juliet@b.test" type="subscribe"/>')
    await heard(romeo)
    await peer.write(`<presence from="${TALK}" to="romeo@a.test/here" type="subscribed"/>`)
    await peer.write(`<presence from="${TALK}" to="romeo@a.test/here" type="subscribe"/>`)
    await abroad.settled(peer, 'b.test')
    const came = await heard(romeo)
    expect(came).toMatch(/<item [^>]*jid="juliet@b\.test"[^>]*subscription="to"/)
    expect(came).toMatch(/<presence [^>]*from="juliet@b\.test"[^>]*type="subscribe"/)
    romeo.write('<presence to="juliet@b.test" type="subscribed"/>')
    expect(await heard(romeo)).toMatch(/subscription="both"/)
    await peer.write(`<presence from="${TALK}" to="romeo@a.test/here" type="probe"/>`)
    await abroad.settled(peer, 'b.test')
    expect(abroad.rival.text).toContain(`<presence from="romeo@a.test/here" to="${TALK}"`)
  })

  test('presence and messages to the account, without ids, from an ever new resource', async () => {
    await peer.write(`<presence from="${TALK}" to="romeo@a.test"><priority>24</priority></presence>`)
    await peer.write(
      '<message from="juliet@b.test/Talk.v104FFFF" to="romeo@a.test" type="chat"><body>hi</body></message>',
    )
    await peer.write('<message from="juliet@b.test" to="romeo@a.test"><body>ho</body></message>')
    await abroad.settled(peer, 'b.test')
    const came = await heard(romeo)
    expect(came).toContain('<priority>24</priority>')
    expect(came).toContain('<body>hi</body>')
    expect(came).toContain('<body>ho</body>')
  })

  test('a request without an id is answered without one', async () => {
    await peer.write(`<iq type="get" from="${TALK}" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>`)
    await abroad.settled(peer, 'b.test')
    expect(abroad.rival.text).toContain(`<iq from="a.test" to="${TALK}" type="result" id=""/>`)
    await peer.write(`<iq type="get" from="${TALK}" to="romeo@a.test/here"><ping xmlns="urn:xmpp:ping"/></iq>`)
    await abroad.settled(peer, 'b.test')
    expect(await heard(romeo)).toMatch(/<iq [^>]*type="get"[^>]*id=""/)
    romeo.write(`<iq type="result" id="" to="${TALK}"/>`)
    await heard(romeo)
    await abroad.settled(peer, 'b.test')
    expect(abroad.rival.text).toContain(`<iq from="romeo@a.test/here" to="${TALK}" type="result" id=""/>`)
  })

  test('an answer without an id answers nobody, and does no harm', async () => {
    await peer.write(
      `<iq type="result" from="${TALK}" to="a.test"/><iq type="error" from="${TALK}" to="romeo@a.test"/>`,
    )
    await abroad.settled(peer, 'b.test')
    expect(await heard(romeo)).toBe('')
    expect(peer.isClosed).toBe(false)
  })

  test('people of its other name are people of their own, under the same record', async () => {
    const other = await abroad.proven('mail.test')
    await other.write('<message from="juliet@mail.test/x" to="romeo@a.test" id="m"><body>hi</body></message>')
    await abroad.settled(other, 'mail.test')
    expect(await heard(romeo)).toBe('')
    expect(abroad.rival.text).toMatch(/to="juliet@mail\.test\/x" type="error" id="m".*?<service-unavailable/)
  })
})
