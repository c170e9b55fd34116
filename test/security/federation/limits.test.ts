import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Peer } from '../../../packages/wire/test/peer.ts'
import { Abroad, heard } from './abroad.ts'

const ROSTER = 'jabber:iq:roster'

let abroad: Abroad

beforeAll(async () => {
  abroad = await Abroad.open(['b.test', 'c.test', 'd.test', 'e.test'], {
    federation: { limits: { discovered: 10, allowed: 40, burst: 5, contacts: 3 } },
  })
})
afterEach(() => abroad.clear())
afterAll(() => abroad.close())

const ping = (id: string, domain: string) =>
  `<iq type="get" id="${id}" from="x@${domain}/x" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>`
const answers = (id: string) => abroad.rival.text.split(`type="result" id="${id}"`).length - 1

/** Lets the event loop turn until what can be read without time passing has been read. */
async function still(count: () => number): Promise<number> {
  for (let before = -1; before !== count(); ) {
    before = count()
    for (let n = 0; n < 50; n++) await new Promise(resolve => setImmediate(resolve))
  }
  return count()
}

describe('how fast a domain may be', () => {
  const flood = async (domain: string, streams: number, each: number): Promise<Peer[]> => {
    const peers: Peer[] = []
    for (let n = 0; n < streams; n++) peers.push(await abroad.proven(domain))
    for (const peer of peers) await peer.write(ping(domain, domain).repeat(each))
    return peers
  }

  test('threat 122: all streams of a domain without a record share one rate, and nothing is lost', async () => {
    await flood('b.test', 4, 50)
    await abroad.front.until(() => answers('b.test') >= 50)
    // The burst, and one stanza for each stream that now waits.
    expect(await still(() => answers('b.test'))).toBeLessThanOrEqual(54)
    for (let second = 0; second < 16; second++) {
      abroad.front.clock.advance(1000)
      await still(() => answers('b.test'))
    }
    await abroad.front.until(() => answers('b.test') >= 200)
    expect(answers('b.test')).toBe(200)
  })

  test('a domain with a record has more, and others wait for nobody', async () => {
    await abroad.run('federation allow', { domain: 'c.test' })
    await flood('b.test', 2, 100)
    await flood('c.test', 2, 100)
    await abroad.front.until(() => answers('c.test') === 200)
    expect(await still(() => answers('b.test'))).toBeLessThan(60)
  })

  test('an hour later the log tells of who came to a limit, once', async () => {
    const lines: object[] = []
    const { log } = abroad.front.server
    const info = log.info.bind(log)
    log.info = (text, fields) => {
      if (text.includes('limits')) lines.push(fields!)
      info(text, fields)
    }
    abroad.front.clock.advance(3_600_000)
    lines.length = 0
    const peer = await abroad.proven('d.test')
    for (const user of ['1', '2', '3', '4'])
      await peer.write(`<message from="x@d.test" to="${user}@a.test"><body>hi</body></message>`)
    await abroad.settled(peer, 'd.test')
    // Nobody answers pings while an hour passes at once.
    for (const link of abroad.front.federation!.links) link.close()
    abroad.front.clock.advance(3_600_000)
    abroad.front.clock.advance(3_600_000)
    log.info = info
    expect(lines).toEqual([{ domain: 'd.test', rate: 0, contacts: 1, streams: 0 }])
  })
})

describe('how many people a domain may address', () => {
  const to = (user: string, id = user, from = 'juliet') =>
    `<message from="${from}@e.test/x" to="${user}@a.test" id="${id}"><body>hi</body></message>`
  const refused = (id: string) =>
    new RegExp(`id="${id}"[^>]*>(?:(?!</message>).)*<policy-violation`).test(abroad.rival.text)

  test('so many strangers in a day, whoever of the domain writes and whether they exist', async () => {
    const peer = await abroad.proven('e.test')
    const romeo = await abroad.enter('romeo')
    await peer.write(to('one') + to('two', 'two', 'nurse') + to('three') + to('one', 'again'))
    await peer.write(to('romeo') + to('four'))
    await abroad.settled(peer, 'e.test')
    expect(['one', 'two', 'three', 'again', 'romeo', 'four'].map(refused)).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
    ])
    expect(await heard(romeo)).not.toContain('<body>')
    expect(abroad.rival.text).toContain('e.test has addressed too many people here in one day')

    // Contacts are no strangers.
    await romeo.request('set', `<query xmlns="${ROSTER}"><item jid="juliet@e.test"/></query>`)
    await heard(romeo)
    await peer.write(to('romeo', 'known') + to('romeo', 'unknown', 'paris'))
    await abroad.settled(peer, 'e.test')
    expect(await heard(romeo)).toContain('id="known"')
    expect([refused('known'), refused('unknown')]).toEqual([false, true])
  })

  test('the day slides: who was not addressed for so long is forgotten', async () => {
    abroad.front.clock.advance(86_400_000)
    const peer = await abroad.proven('e.test')
    await peer.write(to('one') + to('two') + to('three') + to('four', 'first'))
    await abroad.settled(peer, 'e.test')
    abroad.front.clock.advance(43_200_000)
    await peer.write(to('one'))
    await abroad.settled(peer, 'e.test')
    abroad.front.clock.advance(43_200_000)
    await peer.write(to('four', 'second') + to('five', 'third') + to('six', 'fourth'))
    await abroad.settled(peer, 'e.test')
    expect(['first', 'second', 'third', 'fourth'].map(refused)).toEqual([true, false, false, true])
  })

  test('a domain with a record is not counted', async () => {
    await abroad.run('federation allow', { domain: 'e.test' })
    const peer = await abroad.proven('e.test')
    await peer.write(['1', '2', '3', '4', '5', '6'].map(user => to(user)).join(''))
    await abroad.settled(peer, 'e.test')
    expect(abroad.rival.text).not.toContain('<policy-violation')
  })
})
