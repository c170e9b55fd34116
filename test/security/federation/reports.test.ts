import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { Abroad, heard } from './abroad.ts'

let abroad: Abroad

beforeAll(async () => {
  abroad = await Abroad.open(['b.test', 'c.test', 'd.test'], {
    federation: { limits: { discovered: 100, burst: 1 } },
    modules: { reports: { forward: true } },
  })
})
afterEach(() => abroad.clear())
afterAll(() => abroad.close())

const report = (jid: string, inside = '') =>
  `<block xmlns="urn:xmpp:blocking"><item jid="${jid}"><report xmlns="urn:xmpp:reporting:1" reason="urn:xmpp:reporting:spam">${inside}</report></item></block>`
const repute = async (domain: string) => (await abroad.run('federation show', { domain })).text?.split('\n').at(-1)

describe('reports about people elsewhere', () => {
  test('XEP-0377 § 4: their domain hears of it where it says that it wants to (XEP-0157)', async () => {
    const romeo = await abroad.enter('romeo')
    const peer = await abroad.proven('b.test')
    await romeo.request('set', report('juliet@b.test', '<text>words</text><report-origin/>'))
    await abroad.front.until(() => abroad.rival.text.includes('disco#info'))
    const [, id] = /<iq [^>]*type="get" id="([^"]+)"><query xmlns="[^"]*disco#info"/.exec(abroad.rival.text)!
    const field = (name: string, type: string, value: string) =>
      `<field var="${name}" type="${type}"><value>${value}</value></field>`
    const form = `<x xmlns="jabber:x:data" type="result">${field('FORM_TYPE', 'hidden', 'http://jabber.org/network/serverinfo')}${field('abuse-addresses', 'list-multi', 'xmpp:abuse@b.test')}</x>`
    await peer.write(
      `<iq type="result" id="${id}" from="b.test" to="a.test"><query xmlns="http://jabber.org/protocol/disco#info">${form}</query></iq>`,
    )
    await abroad.front.until(() => abroad.rival.text.includes('to="abuse@b.test"'))
    expect(abroad.rival.text).toMatch(/<message from="a\.test" to="abuse@b\.test".*<item jid="juliet@b\.test">.*words/s)
    expect(abroad.rival.text).not.toContain('romeo')
  })

  test('nothing goes there where the user has not agreed', async () => {
    const romeo = await abroad.enter('romeo')
    const peer = await abroad.proven('b.test')
    await romeo.request('set', report('nurse@b.test', '<third-party/>'))
    await heard(romeo)
    await abroad.settled(peer, 'b.test')
    expect(abroad.rival.text).not.toContain('disco#info')
  })
})

describe('what a domain is known for', () => {
  const ping = (domain: string) =>
    `<iq type="get" id="p" from="x@${domain}/x" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>`

  test('reports and refused messages make it slower, and days make it forgotten', async () => {
    const romeo = await abroad.enter('romeo')
    const peer = await abroad.proven('c.test')
    for (const user of ['1', '2'])
      await peer.write(`<message from="x@c.test" to="${user}@a.test"><body>buy</body></message>`)
    await abroad.settled(peer, 'c.test')
    expect(await repute('c.test')).toBe('lately: 3 stanzas, 2 refused, 0 reports')
    for (const user of ['x', 'y', 'z']) await romeo.request('set', report(`${user}@c.test`))
    expect(await repute('c.test')).toBe('lately: 3 stanzas, 2 refused, 3 reports; slowed down')

    // A tenth of what others may: a burst of ten.
    abroad.rival.received.length = 0
    await peer.write(ping('c.test').repeat(100))
    const answers = () => abroad.rival.text.split('type="result" id="p"').length - 1
    await abroad.front.until(() => answers() >= 10)
    for (let n = 0; n < 200; n++) await new Promise(resolve => setImmediate(resolve))
    expect(answers()).toBeLessThan(20)

    for (const link of abroad.front.federation!.links) link.close()
    peer.drop()
    abroad.front.clock.advance(3 * 86_400_000)
    expect(await repute('c.test')).toMatch(/, 0 refused, 0 reports$/)
  })

  test('a domain with a record is not made slower', async () => {
    await abroad.run('federation allow', { domain: 'd.test' })
    const romeo = await abroad.enter('romeo')
    for (const user of ['x', 'y', 'z', 'a', 'b']) await romeo.request('set', report(`${user}@d.test`))
    expect(await repute('d.test')).toBe('lately: 0 stanzas, 0 refused, 5 reports')
  })
})
