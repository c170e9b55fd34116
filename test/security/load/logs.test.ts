import { describe, expect, test } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { createLogger } from '@xmpp/server-core'

/** Line ends, a terminal's colours and title in seven and in eight bits, text that turns round, a line of our own. */
const EVIL = 'x\r\n\u001b[2J\u001b]0;owned\u0007\u009b31m\u0085\u2028\u202eevil\u2066{"level":"info","msg":"ready"}'
const HARMFUL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/

describe.each(['json', 'pretty'] as const)('the log (%s)', format => {
  const lines: string[] = []
  const log = createLogger({ level: 'info', format, sink: { write: line => lines.push(line) } })

  test('threat 177: whatever a peer gets into a line stays a part of it, and is no more than text', () => {
    lines.length = 0
    log.warn('somebody said something', { id: EVIL, error: new Error(EVIL), list: [EVIL] })
    log.warn(`somebody said ${EVIL}`)
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(line.replaceAll('\n', '')).not.toMatch(HARMFUL)
    const shown = lines.join('').split('\n')
    if (format === 'json') expect(shown.map(line => line && JSON.parse(line).id)).toEqual([EVIL, undefined, ''])
    // What is no line of its own is set in.
    else expect(shown.filter(line => line !== '' && !/^( {4}|\d\d:\d\d:\d\d)/.test(line))).toEqual([])
  })

  test('threat 177: a peer cannot make lines as long as it likes, nor as many', () => {
    lines.length = 0
    log.warn('something long', { id: 'x'.repeat(1_000_000), error: new Error('x'.repeat(1_000_000)) })
    expect(lines[0]!.length).toBeLessThan(5000)
    lines.length = 0
    for (let n = 0; n < 100_000; n++) log.warn('something often', { n })
    // Each second may have its hundred.
    expect(lines.length).toBeLessThan(2000)
  })
})

scenario('threat 177: what peers send by the thousand leaves few lines', async ({ server, after }) => {
  const lines: string[] = []
  const node = EVIL.replace(/[\u0000-\u001f"]/g, '')
  const logTo = (line: string) => {
    if (!/"level":"(trace|debug)"/.test(line)) lines.push(line)
  }
  const stage = await server('a.test', { logTo })
  const [romeo] = await stage.join('romeo/orchard')
  lines.length = 0
  for (let n = 0; n < 1000; n++) {
    romeo.client.write(
      `<presence><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="${node}" ver="${n}"/></presence>`,
    )
    romeo.client.write(
      `<iq type="get" id="${n}"><nothing xmlns="urn:nothing:${n}"/></iq><message to="nobody@nowhere.test"/>`,
    )
    romeo.client.write(`<message to="@@" id="${n}"/><presence to="x y"/>`)
  }
  for (let n = 0; n < 500; n++) {
    const client = stage.client()
    client.write('<stream:stream to="nowhere.test"><\u0007')
    client.wire.cut()
  }
  await romeo.settles()
  await after('1m')
  await romeo.settles()
  expect(lines.length).toBeLessThan(500)
  expect(lines.filter(line => HARMFUL.test(line.trimEnd()))).toEqual([])
})
