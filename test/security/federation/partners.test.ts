import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { RawClient } from '@parley/testkit'
import { CommandError, type CommandValues } from '@xmpp/server-core'
import { Abroad, heard } from './abroad.ts'

const ROSTER = 'jabber:iq:roster'
const PUBSUB = 'http://jabber.org/protocol/pubsub'
const MOOD = 'http://jabber.org/protocol/mood'
const NAMES = ['b.test', 'sub.b.test', 'other.test', 'c.test', 'mail.test']

let abroad: Abroad

beforeAll(async () => {
  abroad = await Abroad.open(NAMES)
})
afterEach(() => abroad.clear())
afterAll(() => abroad.close())

const allow = (domain: string, values: CommandValues = {}) => abroad.run('federation allow', { domain, ...values })
const show = async (domain: string) => (await abroad.run('federation show', { domain })).text
const said = (client: RawClient, to: string) =>
  client.write(`<message to="${to}" type="chat" id="out"><body>hi</body></message>`)

async function failure(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => new Error('Not refused'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof CommandError)) throw error
  return error.message
}

describe('records of partners', () => {
  test('a record holds for the domain, for those below it, and for its other names', async () => {
    await allow('b.test', { type: 'public-verified', aliases: 'mail.test, other.test', streams: 3, comment: 'why' })
    for (const domain of ['b.test', 'sub.b.test', 'mail.test', 'sub.other.test'])
      expect(await show(domain)).toContain('allowed by the record of b.test (why)')
    expect(await show('mail.test')).toContain('type: public-verified, strangers: welcome, direction: both, streams: 3')
    expect(await show('c.test')).toContain('c.test: allowed: no record')
  })

  test('a domain is not in two records, and so never both allowed and blocked', async () => {
    await allow('b.test', { aliases: 'mail.test' })
    await allow('c.test')
    expect(await failure(abroad.run('federation block', { domain: 'mail.test' }))).toBe(
      'mail.test is another name of b.test: change or remove that record first',
    )
    expect(await failure(allow('other.test', { aliases: 'mail.test' }))).toBe('mail.test is another name of b.test')
    expect(await failure(allow('other.test', { aliases: 'c.test' }))).toBe(
      'c.test has a record of its own: remove it first',
    )
    expect(await failure(allow('other.test', { aliases: 'other.test' }))).toBe('other.test is no other name of itself')
    await abroad.run('federation block', { domain: 'b.test' })
    expect(await show('mail.test')).toContain('blocked by the record of b.test')
  })

  test.each([
    [{ aliases: 'no domain' }, 'domain must be a domain name'],
    [{ streams: 0 }, 'streams must be a whole number from 1'],
    [{ streams: 1.5 }, 'streams must be a whole number from 1'],
    [{ host: 'nowhere' }, 'host must be host:port'],
    [{ aliases: Array.from({ length: 101 }, (_, n) => `n${n}.test`).join() }, 'a partner has at most 100 other names'],
  ])('what is no record is refused: %j', async (values, why) => {
    expect(await failure(allow('b.test', values as CommandValues))).toBe(why)
  })

  test('a name has at most 256 characters', async () => {
    const label = 'x'.repeat(60)
    expect(await failure(allow(`${label}.${label}.${label}.${label}.${label}.test`))).toMatch(
      /at most 256 characters|must be a domain name/,
    )
  })
})

describe('the two directions', () => {
  test('in: stanzas come, and none goes there', async () => {
    await allow('b.test', { direction: 'in' })
    const romeo = await abroad.enter('romeo')
    const peer = await abroad.proven('b.test')
    await peer.write('<message from="juliet@b.test/x" to="romeo@a.test" type="chat"><body>hello</body></message>')
    await romeo.until(() => romeo.inbox.some(({ name }) => name === 'message'), 'a message')
    await heard(romeo)
    said(romeo, 'juliet@b.test')
    expect(await heard(romeo)).toContain('<not-allowed')
    expect(abroad.rival.text).not.toContain('<message')
  })

  test('out: nothing comes from there, and keys of ours are answered for', async () => {
    await allow('b.test', { direction: 'out' })
    const peer = await abroad.stream('b.test')
    await peer.until('</stream:features>')
    await peer.write('<db:result from="b.test" to="a.test">abc</db:result>')
    expect(await peer.until('</db:result>')).toContain('<forbidden')
    await peer.write('<db:verify from="b.test" to="a.test" id="1">abc</db:verify>')
    expect(await peer.until('/>')).toContain('type="invalid"')
    const romeo = await abroad.enter('romeo')
    said(romeo, 'juliet@b.test')
    await abroad.front.until(() => abroad.rival.text.includes('<body>hi</body>'))
  })

  test('a stream that is there ends when its domain may not send any more', async () => {
    const peer = await abroad.proven('b.test')
    await allow('b.test', { direction: 'out' })
    await peer.closed
    expect(peer.received).toContain('<policy-violation')
  })
})

describe('streams at once', () => {
  test('a partner has so many and no more, under all its names', async () => {
    await allow('b.test', { streams: 2, aliases: 'mail.test' })
    const first = await abroad.proven('b.test')
    await abroad.proven('mail.test')
    const third = await abroad.stream('b.test')
    await third.until('</stream:features>')
    await third.write('<db:result from="b.test" to="a.test">abc</db:result>')
    await third.closed
    expect(third.received).toContain('This domain has too many streams')
    // Others are not concerned, and one that ends makes room.
    await abroad.proven('c.test')
    first.drop()
    await abroad.front.until(() => [...abroad.front.federation!.incoming].length === 2)
    await abroad.proven('b.test')
  })
})

describe('what people of a public network see', () => {
  const watched = async (type: string) => {
    await allow('b.test', { type })
    const romeo = await abroad.enter('romeo', '')
    const peer = await abroad.proven('b.test')
    await romeo.request('set', `<query xmlns="${ROSTER}"><item jid="juliet@b.test"/></query>`)
    await peer.write('<presence from="juliet@b.test" to="romeo@a.test" type="subscribe"/>')
    await abroad.settled(peer, 'b.test')
    romeo.write('<presence to="juliet@b.test" type="subscribed"/>')
    romeo.write('<presence><show>away</show><status>in the orchard</status></presence>')
    const mood = `<mood xmlns="${MOOD}"><happy/></mood>`
    await romeo.request(
      'set',
      `<pubsub xmlns="${PUBSUB}"><publish node="${MOOD}"><item>${mood}</item></publish></pubsub>`,
    )
    await peer.write(
      `<iq type="get" id="mood" from="juliet@b.test/x" to="romeo@a.test"><pubsub xmlns="${PUBSUB}"><items node="${MOOD}"/></pubsub></iq>`,
    )
    await abroad.settled(peer, 'b.test')
    await abroad.front.until(() => abroad.rival.text.includes('id="mood"'))
    romeo.write('<presence type="unavailable"/>')
    await abroad.front.until(() => abroad.rival.text.includes('type="unavailable"'))
    return abroad.rival.text
  }

  test('federated: presence with its notes', async () => {
    const seen = await watched('federated')
    expect(seen).toContain('in the orchard')
    expect(seen).toContain('<happy/>')
  })

  test.each(['public-verified', 'public-unverified'])('%s: presence, and no notes', async type => {
    const seen = await watched(type)
    expect(seen).toContain('<show>away</show>')
    expect(seen).not.toContain('in the orchard')
    expect(seen).not.toContain('<happy/>')
  })
})

describe('strangers', () => {
  const approaches = [
    '<message from="juliet@b.test/x" to="romeo@a.test" type="chat" id="s1"><body>buy</body></message>',
    '<message from="juliet@b.test/x" to="romeo@a.test/here" id="s2"><body>buy</body></message>',
    '<iq type="get" id="s3" from="juliet@b.test/x" to="romeo@a.test/here"><ping xmlns="urn:xmpp:ping"/></iq>',
    '<presence from="juliet@b.test/x" to="romeo@a.test"/>',
  ].join('')
  const request = '<presence from="juliet@b.test" to="romeo@a.test" type="subscribe" id="s4"/>'

  const approach = async (values: CommandValues) => {
    await allow('b.test', values)
    const romeo = await abroad.enter('romeo')
    await romeo.request('set', `<query xmlns="${ROSTER}"><item jid="juliet@b.test" subscription="remove"/></query>`)
    await heard(romeo)
    const peer = await abroad.proven('b.test')
    await peer.write(approaches + request)
    await abroad.settled(peer, 'b.test')
    return { romeo, peer }
  }

  test.each([
    ['ask', { strangers: 'ask' }],
    ['refused', { strangers: 'refused' }],
    ['refused, as those of an unverified public network', { type: 'public-unverified' }],
  ])('%s: as if nobody were there', async (rule, values) => {
    const { romeo, peer } = await approach(values)
    const came = await heard(romeo)
    expect(came).not.toContain('buy')
    expect(came.includes('type="subscribe"')).toBe(rule === 'ask')
    for (const id of ['s1', 's2', 's3'])
      expect(abroad.rival.text).toMatch(new RegExp(`type="error" id="${id}".*?<service-unavailable`))
    // What answers somebody who is there is what answers for nobody.
    abroad.rival.received.length = 0
    await peer.write(approaches.replaceAll('romeo@', 'nobody@') + request.replaceAll('romeo@', 'nobody@'))
    await abroad.settled(peer, 'b.test')
    expect(abroad.rival.text.match(/<service-unavailable/g)).toHaveLength(3)
  })

  test('a contact is none, and neither is who was asked', async () => {
    const { romeo, peer } = await approach({ type: 'public-unverified' })
    await romeo.request('set', `<query xmlns="${ROSTER}"><item jid="juliet@b.test"/></query>`)
    await heard(romeo)
    await peer.write(approaches + request)
    await abroad.settled(peer, 'b.test')
    expect((await heard(romeo)).match(/buy/g)).toHaveLength(2)
  })

  test('a room elsewhere is none while somebody is in it', async () => {
    const { romeo, peer } = await approach({ strangers: 'refused' })
    const line =
      '<message type="groupchat" from="juliet@b.test/nurse" to="romeo@a.test/here"><body>peace</body></message>'
    romeo.write('<presence to="juliet@b.test/me"/>')
    await heard(romeo)
    await peer.write(line)
    await abroad.settled(peer, 'b.test')
    expect(await heard(romeo)).toContain('peace')
    romeo.write('<presence to="juliet@b.test/me" type="unavailable"/>')
    await heard(romeo)
    await peer.write(line)
    await abroad.settled(peer, 'b.test')
    expect(await heard(romeo)).not.toContain('peace')
  })
})
