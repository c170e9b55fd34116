import { describe, expect, test } from '@jest/globals'
import { feed } from './feed.ts'
import { loopP99, parseMetrics } from './metrics.ts'
import { chat } from './stanzas.ts'

const stream =
  "<r xmlns='urn:xmpp:sm:3'/><message id='t1'/>…<message id='t2'><body>1</body></message><message><a/></message>"

describe('counting without parsing', () => {
  test.each([1, 2, 3, 7, 11, 50, 1000])('in chunks of %i bytes every stanza counts once', size => {
    const bytes = Buffer.from(stream.repeat(3))
    const whole: string[] = []
    let counted = 0
    const take = feed({
      end: '</message>',
      onStanzas: (count, part) => {
        counted += count
        whole.push(part.toString())
      },
    })
    for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size))
    expect(counted).toBe(6)
    // Nothing is shown twice, and nothing that was whole is left out.
    expect(whole.join('')).toBe(stream.repeat(3))
  })

  test.each([1, 5, 1000])('in chunks of %i bytes every request for an acknowledgement is answered once', size => {
    const bytes = Buffer.from(`${stream}<r xmlns='urn:xmpp:sm:3'/>`)
    const answers: number[] = []
    const take = feed({ end: '</message>', onStanzas: () => {}, onAsked: handled => answers.push(handled) })
    for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size))
    expect(answers.at(-1)).toBe(2)
    expect(answers.length).toBeLessThanOrEqual(2)
  })
})

test('a message has as many bytes of text as asked', () => {
  for (const bytes of [1, 120, 4096])
    expect(/<body>(.*)<\/body>/.exec(chat('a@b/c', 'm', bytes))![1]).toHaveLength(bytes)
})

describe('event-loop delay from OpenMetrics', () => {
  const histogram = (counts: readonly number[]) =>
    parseMetrics(
      `# TYPE parley_event_loop_delay_seconds histogram
parley_event_loop_delay_seconds_bucket{le="0.01"} ${counts[0]}
parley_event_loop_delay_seconds_bucket{le="0.1"} ${counts[1]}
parley_event_loop_delay_seconds_bucket{le="+Inf"} ${counts[2]}
other_bucket{le="0.01"} 5
`,
    )

  test('of a histogram only what was added counts', () => {
    const before = histogram([1000, 1000, 1000])
    expect(loopP99(before, histogram([1099, 1100, 1100]))).toBe(10)
    expect(loopP99(before, histogram([1090, 1100, 1100]))).toBe(100)
  })

  test('beyond the last bound it is at least that bound', () => {
    expect(loopP99(histogram([0, 0, 0]), histogram([0, 0, 100]))).toBe(100)
  })

  test('a summary says it itself', () => {
    const summary = parseMetrics(
      'nodejs_eventloop_lag_seconds{quantile="0.5"} 0.001\nnodejs_eventloop_lag_seconds{quantile="0.99"} 0.025\n',
    )
    expect(loopP99([], summary)).toBe(25)
  })

  test('so does a gauge', () => {
    const gauge = parseMetrics(
      'parley_event_loop_delay_seconds{stat="p50"} 0.001\nparley_event_loop_delay_seconds{stat="p99"} 0.125\n',
    )
    expect(loopP99([], gauge)).toBe(125)
  })

  test('nothing added, nothing said', () => {
    expect(loopP99(histogram([1, 1, 1]), histogram([1, 1, 1]))).toBeUndefined()
    expect(loopP99([], [])).toBeUndefined()
  })
})
