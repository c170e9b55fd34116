import { expect, test } from '@jest/globals'
import { type Contact, type Context, defineAdapter } from '@parley/adapter'
import { FakeClock } from '@parley/testkit'
import { Net } from './net.ts'
import { Redactor } from './redact.ts'
import { Runner, type WireEvent } from './runner.ts'

/** A session that says this when it starts. */
function running(says: (context: Context) => void) {
  const heard: WireEvent[] = []
  const adapter = defineAdapter({
    ...{ id: 'loud', title: 'Loud', mode: 'account', edition: 1, settings: {}, login: [] },
    capabilities: { maxTextBytes: 100, charset: 'utf-8', multiline: true, rate: 1 },
    canonical: id => id,
    create: context => ({ start: async () => says(context as Context), stop: async () => {} }),
  })
  const runner = new Runner({
    adapter,
    init: { settings: {}, account: undefined, domain: 'loud.example.org' },
    net: new Net({ allow: [] }, new FakeClock()),
    redactor: new Redactor(),
    core: { ask: async () => undefined, log: () => {}, events: events => void heard.push(...events) },
  })
  return { runner, heard }
}

const list: Contact[] = Array.from({ length: 100 }, (_, index) => ({
  ...{ id: `c${index}`, name: 'x'.repeat(4096), subscription: 'both' },
}))

test('threat 160: lists without end are no more heard than texts without end', async () => {
  const { runner, heard } = running(({ emit }) => {
    for (let i = 0; i < 30; i++) emit({ type: 'roster', contacts: list })
  })
  await runner.start()
  expect(heard).toEqual([
    { type: 'ended', error: { failure: 'protocol', message: 'The network says more than can be heard' } },
  ])
  await runner.stop()
})

test('a long list is heard', async () => {
  const { runner, heard } = running(({ emit }) => emit({ type: 'roster', contacts: list }))
  await runner.start()
  expect(heard).toMatchObject([{ type: 'roster', contacts: list }])
  await runner.stop()
})
