import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { dial } from '../../../packages/wire/test/peer.ts'
import { readOpenMetrics } from '../../scenarios/open-metrics.ts'
import { Abroad, heard } from './abroad.ts'

let abroad: Abroad

beforeAll(async () => {
  abroad = await Abroad.open(['b.test', 'c.test'], { federation: { limits: { contacts: 2, streams: 1 } } })
})
afterEach(() => abroad.clear())
afterAll(() => abroad.close())

/** The value of a sample, by its name and labels as they stand in the text. */
async function read(): Promise<(sample: string) => number | undefined> {
  const peer = await dial(abroad.front.port('http'))
  await peer.write('GET /metrics HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
  await peer.closed
  const families = readOpenMetrics(peer.received.slice(peer.received.indexOf('\r\n\r\n') + 4))
  const values = new Map<string, number>()
  for (const { samples } of families.values())
    for (const { name, labels, value } of samples) values.set([name, ...Object.values(labels)].join(' '), value)
  return sample => values.get(sample)
}

describe('metrics of other domains', () => {
  test('streams, links, stanzas, bytes, and what was turned away', async () => {
    const before = await read()
    const peer = await abroad.proven('b.test')
    await abroad.stream('c.test')
    for (const user of ['1', '2', '3'])
      await peer.write(`<message from="juliet@b.test" to="${user}@a.test" id="${user}"><body>hi</body></message>`)
    await abroad.settled(peer, 'b.test')
    const second = await abroad.stream('b.test')
    await second.until('</stream:features>')
    await second.write('<db:result from="b.test" to="a.test">abc</db:result>')
    await second.closed
    await abroad.run('federation block', { domain: 'c.test' })
    const romeo = await abroad.enter('romeo')
    romeo.write('<message to="juliet@c.test" type="chat"><body>hi</body></message>')
    await heard(romeo)
    await abroad.run('policy set', { policy: 'federation', value: 'off', user: 'romeo' })
    romeo.write('<message to="juliet@b.test" type="chat"><body>hi</body></message>')
    await heard(romeo)

    const value = await read()
    const more = (sample: string) => value(sample)! - before(sample)!
    expect({
      proven: value('parley_federation_streams proven'),
      open: value('parley_federation_links open'),
      blocked: value('parley_federation_partners blocked'),
      messages: more('parley_stanzas_received_total server message'),
      requests: more('parley_stanzas_received_total server iq'),
      errors: more('parley_stanzas_sent_total server message'),
      contacts: more('parley_federation_refused_total contacts'),
      streams: more('parley_federation_refused_total streams'),
      record: more('parley_federation_refused_total record'),
      hits: more('parley_federation_limits_total contacts'),
    }).toEqual({
      proven: 1,
      open: 1,
      blocked: 1,
      messages: 3,
      requests: 1,
      errors: 3,
      contacts: 1,
      streams: 1,
      record: 1,
      hits: 1,
    })
    // A header, a key and four stanzas, at least.
    expect(more('parley_federation_traffic_bytes_total in')).toBeGreaterThan(500)
    expect(more('parley_federation_traffic_bytes_total out')).toBeGreaterThan(500)
    expect(value('parley_federation_partner_stanzas_total b.test in')).toBeUndefined()
  })

  test('a monitored domain is counted by itself, and its streams are in the log', async () => {
    await abroad.run('federation allow', { domain: 'b.test', monitor: true })
    const lines: unknown[] = []
    const { log } = abroad.front.server
    const info = log.info.bind(log)
    log.info = (text, fields) => {
      if (text.includes('monitored')) lines.push(fields)
      info(text, fields)
    }
    const before = (await read())('parley_federation_partner_stanzas_total b.test in')!
    const peer = await abroad.proven('b.test')
    await abroad.settled(peer, 'b.test')
    await abroad.settled(peer, 'b.test')
    expect((await read())('parley_federation_partner_stanzas_total b.test in')).toBe(before + 2)
    peer.drop()
    await abroad.front.until(() => lines.length === 1)
    log.info = info
    expect(lines).toEqual([{ domain: 'b.test', in: before + 2, out: expect.any(Number) }])
  })
})
