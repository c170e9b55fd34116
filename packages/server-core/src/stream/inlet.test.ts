import { describe, expect, test } from '@jest/globals'
import type { Clock } from '@parley/net'
import { type Element, el } from '@parley/xml'
import { Inlet } from './inlet.ts'
import type { Wire } from './wire.ts'

const STANZA = el('message', 'jabber:client')

/** An inlet with a rate of one stanza a second, so a burst of five; what it feeds takes `task`. */
function slowed(task: (element: Element) => void | Promise<void>) {
  const pauses: (() => void)[] = []
  const clock = {
    monotonic: () => 0,
    after: (_: number, done: () => void) => {
      pauses.push(done)
      return () => {}
    },
  } as unknown as Clock
  const wire = { pause() {}, resume() {} } as unknown as Wire
  let fed = 0
  const receive = (element: Element) => {
    fed++
    return task(element)
  }
  const crashed = (error: unknown) => {
    throw error
  }
  const inlet = new Inlet(wire, clock, 1, receive, { overflow() {}, crashed })
  return { inlet, pauses, fed: () => fed }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

describe('the pace of a stream', () => {
  test.each([
    ['at once', () => {}],
    ['later', () => Promise.resolve()],
  ])('holds for stanzas that are decided %s', async (_, task) => {
    const { inlet, pauses, fed } = slowed(task)
    for (let n = 0; n < 8; n++) inlet.take(STANZA)
    await turn()
    expect(fed()).toBe(6)
    expect(pauses).toHaveLength(1)
    pauses[0]!()
    await turn()
    expect(fed()).toBe(7)
  })
})
