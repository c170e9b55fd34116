import { describe, expect, test } from '@jest/globals'
import packet, { type Answer } from 'dns-packet'
import { decodeReply, encodeQuestion, type Question } from './codec.ts'

const question: Question = { id: 0x1234, name: 'a.test', type: 'SRV', isExtended: true }

function reply(
  answers: Answer[] = [],
  over: Partial<{ id: number; flags: number; name: string; type: 'SRV' | 'A' }> = {},
) {
  const { id = question.id, flags = 0, name = question.name, type = 'SRV' } = over
  return packet.encode({ type: 'response', id, flags, questions: [{ type, name, class: 'IN' }], answers })
}

const srv = (target: string): Answer => ({
  type: 'SRV',
  name: 'A.Test',
  class: 'IN',
  ttl: 60,
  data: { priority: 1, weight: 2, port: 5269, target },
})

describe('a question', () => {
  test('asks for the work to be done, and for what DNSSEC says (RFC 4035 §3.2.1, RFC 6840 §5.7)', () => {
    const sent = packet.decode(encodeQuestion(question))
    expect(sent).toMatchObject({ id: 0x1234, flag_rd: true, flag_ad: true })
    expect(sent.questions).toMatchObject([{ name: 'a.test', type: 'SRV', class: 'IN' }])
    expect(sent.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232, flag_do: true }])
  })

  test('leaves EDNS0 out for servers that do not know it', () => {
    expect(packet.decode(encodeQuestion({ ...question, isExtended: false })).additionals).toEqual([])
  })
})

describe('an answer', () => {
  test('has records with names in lower case', () => {
    expect(decodeReply(reply([srv('XMPP.A.test')]), question)).toMatchObject({
      rcode: 'NOERROR',
      records: [{ name: 'a.test', data: { priority: 1, weight: 2, port: 5269, target: 'xmpp.a.test' } }],
    })
  })

  test.each([
    ['another id', reply([srv('b.test')], { id: 0x1235 })],
    ['another name', reply([srv('b.test')], { name: 'b.test' })],
    ['another type', reply([srv('b.test')], { type: 'A' })],
    ['a question', encodeQuestion(question)],
    ['nothing', Buffer.alloc(0)],
    ['half a header', reply().subarray(0, 7)],
    ['no question', packet.encode({ type: 'response', id: question.id, questions: [], answers: [srv('b.test')] })],
  ])('with %s is none (RFC 5452 §9.1)', (_, bytes) => {
    expect(decodeReply(bytes, question)).toBeUndefined()
  })

  test('that is cut in the middle is malformed, if it does not say that it is truncated', () => {
    const whole = reply([srv('b.test')])
    expect(decodeReply(whole.subarray(0, -3), question)).toMatchObject({ rcode: 'MALFORMED', records: [] })
    const cut = Buffer.from(reply([srv('b.test')], { flags: packet.TRUNCATED_RESPONSE }).subarray(0, -3))
    expect(decodeReply(cut, question)).toMatchObject({ rcode: 'NOERROR', isTruncated: true })
  })

  test('costs no more when it has a thousand records', () => {
    const many = decodeReply(reply(Array.from({ length: 1000 }, (_, index) => srv(`t${index}.test`))), question)
    expect(many?.records).toHaveLength(128)
  })

  test('that claims more records than it has is malformed', () => {
    const bytes = reply([srv('b.test')])
    bytes.writeUInt16BE(65_535, 6)
    expect(decodeReply(bytes, question)).toMatchObject({ rcode: 'MALFORMED' })
  })

  test('whose names point at themselves is malformed', () => {
    const bytes = reply([srv('b.test')])
    // The name of the record, behind the header and the question.
    bytes.writeUInt16BE(0xc000 | 24, 24)
    expect(decodeReply(bytes, question)).toMatchObject({ rcode: 'MALFORMED' })
  })
})

describe('whatever arrives', () => {
  /** mulberry32: the same packets at each run. */
  function randomFrom(seed: number): (below: number) => number {
    let state = seed
    return below => {
      state = (state + 0x6d2b79f5) | 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) % below
    }
  }
  const random = randomFrom(2782)
  const seeds = [
    reply([srv('xmpp.a.test'), { type: 'CNAME', name: 'a.test', data: 'b.test', ttl: 5, class: 'IN' }]),
    reply([
      { type: 'A', name: 'a.test', data: '192.0.2.1', ttl: 5, class: 'IN' },
      { type: 'AAAA', name: 'a.test', data: '2001:db8::1', ttl: 5, class: 'IN' },
      { type: 'TXT', name: 'a.test', data: ['x', 'y'], ttl: 5, class: 'IN' },
    ]),
    packet.encode({
      type: 'response',
      id: question.id,
      questions: [{ type: 'SRV', name: 'a.test', class: 'IN' }],
      authorities: [
        {
          type: 'SOA',
          name: 'test',
          ttl: 9,
          class: 'IN',
          data: { mname: 'n.test', rname: 'r.test', serial: 1, minimum: 5 },
        },
      ] as Answer[],
    }),
  ]

  test('is an answer, none, or malformed, and is so at once', () => {
    const rcodes = new Set<string | undefined>()
    let slowest = 0
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(seeds[random(seeds.length)]!)
      for (let changes = 1 + random(6); changes > 0; changes--) bytes[2 + random(bytes.length - 2)] = random(256)
      const from = performance.now()
      rcodes.add(decodeReply(bytes.subarray(0, random(8) === 0 ? random(bytes.length) : bytes.length), question)?.rcode)
      slowest = Math.max(slowest, performance.now() - from)
    }
    expect([...rcodes]).toEqual(expect.arrayContaining([undefined, 'NOERROR', 'MALFORMED', 'NXDOMAIN']))
    expect(slowest).toBeLessThan(500)
  })

  test('is so too when there is no order in it at all, and much of it', () => {
    const head = reply()
    for (let round = 0; round < 50; round++) {
      const bytes = Buffer.alloc(65_535)
      for (let index = 0; index < bytes.length; index += 4)
        bytes.writeUInt32LE(random(2 ** 32), Math.min(index, 65_531))
      head.copy(bytes)
      bytes.writeUInt16BE(random(65_536), 6)
      bytes.writeUInt16BE(random(65_536), 8)
      expect(decodeReply(bytes, question)?.records.length).toBeLessThanOrEqual(128)
    }
  })
})
