import { beforeEach, describe, expect, test } from '@jest/globals'
import { FakeClock } from '@parley/testkit'
import { Openings } from './openings.ts'

let clock: FakeClock
let openings: Openings
/** What has begun, by name, in order; and how to end it. */
let begun: string[]
let end: Record<string, (error?: Error) => void>

beforeEach(() => {
  clock = new FakeClock()
  openings = new Openings(clock, { atOnce: 2, aside: 1 })
  begun = []
  end = {}
})

function open(name: string): Promise<string> {
  return openings.run(() => {
    begun.push(name)
    return new Promise((resolve, reject) => {
      end[name] = error => (error ? reject(error) : resolve(name))
    })
  })
}

/** Begins all of these; gives what became of each so far. */
function openAll(names: string): { readonly outcomes: Record<string, string> } {
  const outcomes: Record<string, string> = {}
  for (const name of names)
    void open(name)
      .then(
        () => 'open',
        (error: Error) => error.message,
      )
      .then(outcome => {
        outcomes[name] = outcome
      })
  return { outcomes }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

describe('streams that are opened at once', () => {
  test('are so many, and no more; the others come in order', async () => {
    openAll('abcd')
    expect(begun).toEqual(['a', 'b'])
    end['b']!()
    await settled()
    expect(begun).toEqual(['a', 'b', 'c'])
    end['c']!()
    await settled()
    expect(begun).toEqual(['a', 'b', 'c', 'd'])
  })

  test('one that fails gives its place away too, and is told why', async () => {
    const { outcomes } = openAll('abc')
    end['a']!(new Error('refused'))
    await settled()
    expect(begun).toEqual(['a', 'b', 'c'])
    expect(outcomes).toEqual({ a: 'refused' })
  })

  test('a place that was left is there for whoever comes next', async () => {
    openAll('ab')
    end['a']!()
    await settled()
    openAll('cd')
    expect(begun).toEqual(['a', 'b', 'c'])
  })

  test('who does not answer stands aside, but not more than so many', async () => {
    const { outcomes } = openAll('abcd')
    clock.advance(3000)
    await settled()
    expect(begun).toEqual(['a', 'b', 'c'])
    clock.advance(3000)
    await settled()
    expect(begun).toEqual(['a', 'b', 'c'])
    // Whoever stood aside has no place to leave.
    end['a']!()
    await settled()
    expect(begun).toEqual(['a', 'b', 'c'])
    expect(outcomes).toEqual({ a: 'open' })
    clock.advance(3000)
    await settled()
    expect(begun).toEqual(['a', 'b', 'c', 'd'])
  })

  test('whoever waits too long is told so, and gets no turn afterwards', async () => {
    openings = new Openings(clock, { atOnce: 1, aside: 0 })
    const { outcomes } = openAll('abc')
    clock.advance(20_000)
    await settled()
    expect(outcomes).toEqual({
      b: 'too many other servers are being connected to',
      c: 'too many other servers are being connected to',
    })
    end['a']!()
    await settled()
    expect(begun).toEqual(['a'])
  })

  test('at the end nobody gets a turn any more', async () => {
    const { outcomes } = openAll('abc')
    openings.close()
    end['a']!()
    await settled()
    expect(begun).toEqual(['a', 'b'])
    expect(outcomes).toEqual({ a: 'open', c: 'the server is going down' })
  })
})
