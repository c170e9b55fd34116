import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Peer } from '../../../packages/wire/test/peer.ts'
import { eventually } from '../../interop/eventually.ts'
import { Abroad, heard } from './abroad.ts'
import { bodiesIn, confirming } from './mantua.ts'
import type { Manner } from './rival.ts'

const DOMAINS = Array.from({ length: 1000 }, (_, n) => `d${n}.test`)
/** Streams that are opened at a time. */
const AT_ONCE = 100
const LONG = 60_000
const PATIENTLY = { within: 30_000 }

let abroad: Abroad

beforeAll(async () => {
  abroad = await Abroad.open(DOMAINS, {
    federation: { limits: { discovered: 0, contacts: 0 } },
  })
})
afterEach(() => abroad.clear())
afterAll(() => abroad.close(), LONG)

/** Takes what comes; tells the bodies of all messages. */
function reading(): { readonly bodies: string[]; readonly manner: Manner } {
  const bodies: string[] = []
  const manner: Manner = (text, socket) => {
    confirming(text, socket)
    bodies.push(...bodiesIn(text))
  }
  return { bodies, manner }
}

/** Does as `manner` does, but not before it is let go; tells how many connections it keeps waiting. */
function hesitating(manner: Manner) {
  const kept: (() => void)[] = []
  let isFree = false
  return {
    get waiting(): number {
      return kept.length
    },
    manner: ((text, socket) => {
      if (isFree || !/<db:(result|verify) /.test(text)) manner(text, socket)
      else kept.push(() => manner(text, socket))
    }) as Manner,
    go(): void {
      isFree = true
      for (const act of kept.splice(0)) act()
    },
  }
}

/** What can be done without anybody's answer has been done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
}

describe('a thousand domains at once', () => {
  test(
    'a message to each of them: so many streams are opened at a time, and all arrive',
    async () => {
      const { rival } = abroad
      const { bodies, manner } = reading()
      const slow = hesitating(manner)
      rival.manner = slow.manner
      const romeo = await abroad.enter('romeo')
      const juliet = await abroad.enter('juliet')
      const before = process.memoryUsage().rss
      for (const domain of DOMAINS)
        romeo.write(`<message type="chat" id="m" to="juliet@${domain}"><body>${domain}</body></message>`)
      await eventually('connections', () => slow.waiting >= AT_ONCE, PATIENTLY)
      await settled()
      expect(rival.sockets.size).toBe(AT_ONCE)
      // Whoever stays at home is not kept waiting.
      romeo.write('<message type="chat" to="juliet@a.test"><body>at home</body></message>')
      await romeo.request('get', '<ping xmlns="urn:xmpp:ping"/>', 'a.test')
      expect(await heard(juliet)).toContain('at home')
      slow.go()
      await eventually('all messages', () => bodies.length >= DOMAINS.length, PATIENTLY)
      expect(bodies.sort()).toEqual([...DOMAINS].sort())
      expect(await heard(romeo)).not.toContain('type="error"')
      expect(process.memoryUsage().rss - before).toBeLessThan(500 * 1_048_576)
    },
    LONG,
  )

  test(
    'servers that hang stand aside for those that answer',
    async () => {
      const { front, rival } = abroad
      const [holes, others] = [DOMAINS.slice(0, AT_ONCE), DOMAINS.slice(AT_ONCE, AT_ONCE + 10)]
      const { bodies, manner } = reading()
      const isHole = new RegExp(`to="(${holes.join('|')})"`)
      rival.manner = (text, socket) => {
        if (!isHole.test(text)) manner(text, socket)
      }
      const romeo = await abroad.enter('romeo')
      for (const domain of [...holes, ...others])
        romeo.write(`<message type="chat" id="m" to="juliet@${domain}"><body>${domain}</body></message>`)
      await eventually('connections', () => rival.text.split('<db:result').length > AT_ONCE, PATIENTLY)
      await settled()
      expect(bodies).toEqual([])
      front.clock.advance(3000)
      await eventually('messages to the others', () => bodies.length >= others.length, PATIENTLY)
      expect(bodies.sort()).toEqual(others)
    },
    LONG,
  )

  test(
    'a stream from each of them: so many keys are asked about at a time, and all are believed',
    async () => {
      const { front, rival } = abroad
      const slow = hesitating(confirming)
      rival.manner = slow.manner
      const juliet = await abroad.enter('juliet', '<presence><priority>1</priority></presence>')
      const peers = await Promise.all(DOMAINS.map(domain => opened(domain)))
      await eventually('questions', () => slow.waiting >= AT_ONCE, PATIENTLY)
      await settled()
      expect(rival.sockets.size).toBe(AT_ONCE)
      slow.go()
      await Promise.all(
        peers.map(async (peer, n) => {
          await peer.until('type="valid"/>')
          await peer.write(
            `<message type="chat" from="romeo@${DOMAINS[n]}/x" to="juliet@a.test"><body>${DOMAINS[n]}</body></message>`,
          )
        }),
      )
      const came: string[] = []
      const arrived = () => came.push(...bodiesIn(juliet.inbox.splice(0).join(''))) >= DOMAINS.length
      await eventually('all messages', arrived, PATIENTLY)
      expect(came.sort()).toEqual([...DOMAINS].sort())
      expect([...front.federation!.incoming]).toHaveLength(DOMAINS.length)
    },
    LONG,
  )
})

/** A stream that says who it is by a key. */
async function opened(domain: string): Promise<Peer> {
  const peer = await abroad.stream(domain)
  await peer.until('</stream:features>')
  await peer.write(`<db:result from="${domain}" to="a.test">abc</db:result>`)
  return peer
}
