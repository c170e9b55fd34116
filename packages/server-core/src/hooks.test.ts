import { describe, expect, test } from '@jest/globals'
import { Message, StanzaError } from '@parley/stanza'
import { decide, defineHook, HANDLED, Hooks, observe, on, only, type Verdict } from './hooks.ts'
import { createLogger } from './log.ts'

interface Event {
  stanza: Message
  readonly seen: string[]
}
const hook = defineHook<Event>()('test', 'guard', 'observe')
const message = (id: string) => new Message({ type: 'chat', id })
const event = (): Event => ({ stanza: message('1'), seen: [] })

/** A phase whose listeners note their names and say these things. */
function phaseOf(...verdicts: (() => Verdict | Promise<Verdict>)[]) {
  const hooks = new Hooks()
  verdicts.forEach((verdict, i) => {
    hooks.add(
      `m${i}`,
      on(hook, 'guard', e => {
        e.seen.push(`m${i}`)
        return verdict()
      }),
    )
  })
  return hooks.phase(hook, 'guard')
}

describe('deciding', () => {
  test('all say nothing: at once, in order', () => {
    const e = event()
    expect(
      decide(
        phaseOf(
          () => undefined,
          () => undefined,
        ),
        e,
      ),
    ).toBe(true)
    expect(e.seen).toEqual(['m0', 'm1'])
  })

  test.each([
    ['drops', { drop: 'why' } as Verdict],
    ['handles', HANDLED],
  ])('who %s it ends it', async (_, verdict) => {
    for (const say of [() => verdict, async () => verdict]) {
      const e = event()
      expect(
        await decide(
          phaseOf(
            () => undefined,
            say,
            () => undefined,
          ),
          e,
        ),
      ).toBe(false)
      expect(e.seen).toEqual(['m0', 'm1'])
    }
  })

  test('who replaces it goes on with another stanza', async () => {
    for (const say of [() => ({ replace: message('2') }), async () => ({ replace: message('2') })]) {
      const e = event()
      expect(
        await decide(
          phaseOf(say, () => undefined),
          e,
        ),
      ).toBe(true)
      expect([e.stanza.id, e.seen.length]).toEqual(['2', 2])
    }
  })

  test('waits for each before the next', async () => {
    const e = event()
    let go = (): void => undefined
    const gate = new Promise<void>(resolve => {
      go = resolve
    })
    const decided = decide(
      phaseOf(
        () => gate.then(() => undefined),
        () => undefined,
      ),
      e,
    )
    expect(e.seen).toEqual(['m0'])
    go()
    expect(await decided).toBe(true)
    expect(e.seen).toEqual(['m0', 'm1'])
  })

  test('a refusal or a fault stops it: it fails closed', async () => {
    const refuse = () => {
      throw new StanzaError('forbidden')
    }
    const e = event()
    expect(() =>
      decide(
        phaseOf(refuse, () => undefined),
        e,
      ),
    ).toThrow(StanzaError)
    await expect(
      decide(
        phaseOf(
          async () => refuse(),
          () => undefined,
        ),
        e,
      ),
    ).rejects.toThrow(StanzaError)
    expect(e.seen).toEqual(['m0', 'm0'])
  })
})

describe('observing', () => {
  test('a fault is logged with its module, and the others still look', async () => {
    const lines: string[] = []
    const log = createLogger({ level: 'warn', format: 'json', sink: { write: line => void lines.push(line) } })
    const seen: string[] = []
    const hooks = new Hooks()
    const listen = (name: string, run: () => void | Promise<void>) =>
      hooks.add(
        name,
        on(hook, 'observe', () => {
          seen.push(name)
          return run()
        }),
      )
    listen('one', () => {
      throw new Error('broken')
    })
    listen('two', () => Promise.reject(new Error('broken later')))
    listen('three', () => undefined)
    await observe(hooks.phase(hook, 'observe'), event(), log)

    expect(seen).toEqual(['one', 'two', 'three'])
    expect(lines.map(line => (JSON.parse(line) as { module: string }).module)).toEqual(['one', 'two'])
  })

  test('costs no promise where nobody waits', () => {
    const log = createLogger({ level: 'error', format: 'json', sink: { write: () => undefined } })
    expect(
      observe(
        phaseOf(() => undefined),
        event(),
        log,
      ),
    ).toBeUndefined()
  })
})

test('only() listens to one kind', () => {
  const seen: string[] = []
  const run = only<'message', Event>('message', ({ stanza }) => void seen.push(stanza.name))
  expect(run(event())).toBeUndefined()
  const other = only<'presence', { readonly stanza: Message }>('presence', () => void seen.push('presence'))
  expect(other(event())).toBeUndefined()
  expect(seen).toEqual(['message'])
})

test('phases of a hook that is looked up before it is listened to are the same', () => {
  const hooks = new Hooks()
  const early = hooks.phase(hook, 'guard')
  hooks.add(
    'late',
    on(hook, 'guard', () => HANDLED),
  )
  expect(early.runs.length).toBe(1)
  expect(hooks.phase(hook, 'observe').runs.length).toBe(0)
})
