import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Adapter, Outgoing } from '@parley/adapter'
import type { AccountKey, Engine } from '@parley/gateway'
import { closeStore } from '@parley/testkit'
import { EngineStage, JULIET, ROMEO, until } from './engine-stage.ts'

let stage: EngineStage
beforeEach(() => {
  stage = new EngineStage()
})
afterEach(() => stage.close())
afterAll(closeStore)

/** In processes that a machine with little to do ends within ten seconds. */
const PATIENT = 30_000
const MEMORY = 96
const MINUTE = 60_000
let keys = 0
const say = (text: string, peer: string): Outgoing => ({ key: `k${++keys}`, to: { peer }, text, receipt: false })

const open = () => stage.open({ processes: 1, memory: MEMORY })

async function online(engine: Engine, ...names: string[]): Promise<void> {
  for (const name of names) {
    const key = keyOf(name)
    await engine.register(key, { name }, { password: 'wherefore' })
    engine.wake(key)
    await until(() => engine.status(key).state === 'online', undefined, PATIENT)
  }
}

function keyOf(name: string): AccountKey {
  return { provider: 'loop', owner: `${name}@a.test` }
}

/** Makes the settings hold. */
async function behave(engine: Engine, settings: Record<string, string>): Promise<void> {
  stage.set(settings)
  await engine.providerChanged('loop')
}

describe('a session in a process of its own', () => {
  test('says and hears as if it were here', async () => {
    const engine = await open()
    await online(engine, 'romeo', 'juliet')
    const message = { ...say('good morrow 👋', 'juliet'), receipt: true }
    expect(await engine.run(ROMEO, 'send', message)).toMatchObject({ id: 'm1', level: 'delivered' })
    await until(() => stage.eventsOf('message').length === 2)
    const heard = (key: AccountKey) =>
      stage.events.find(({ key: { owner }, event }) => owner === key.owner && event.type === 'message')?.event
    expect(heard(ROMEO)).toMatchObject({ text: 'good morrow 👋', origin: 'self-echo', peer: 'juliet' })
    expect(heard(JULIET)).toMatchObject({ text: 'good morrow 👋', origin: 'remote', peer: 'romeo' })
    expect(stage.eventsOf('receipt')).toMatchObject([{ ids: ['m1'], level: 'delivered' }])
    expect(await engine.run(ROMEO, 'search', 'jul', { key: 'k' })).toMatchObject([{ id: 'juliet', name: 'Juliet' }])
    await expect(engine.run(ROMEO, 'profile', 'nobody', { key: 'k' })).rejects.toMatchObject({
      name: 'AdapterError',
      failure: 'not-found',
    })
    await engine.rest(JULIET)
    expect(await engine.run(ROMEO, 'send', say('are you there?', 'juliet'))).toMatchObject({ level: 'queued' })
  })

  test('has no environment, no input, and no way to tell secrets to the log (threat 159)', async () => {
    const module = new URL('adapters/nosy.mjs', import.meta.url).href
    const { default: adapter } = (await import(module)) as { default: Adapter }
    stage.providers.set('loop', { ...stage.providers.get('loop')!, adapter: 'nosy', settings: {} })
    const engine = await stage.open({ processes: 1, adapters: [{ id: 'nosy', module, load: async () => adapter }] })
    await online(engine, 'romeo')
    expect(stage.eventsOf('notice')).toMatchObject([
      { text: JSON.stringify({ environment: [], arguments: [], input: null }) },
      { text: 'seen' },
    ])
    await expect(engine.run(ROMEO, 'search', 'x', { key: 'k' })).rejects.toThrow('The gateway has a fault')
    await expect(engine.run(ROMEO, 'send', say('x', 'y'))).rejects.toThrow('The gateway has a fault')
    await until(() => stage.lines.filter(line => line.includes('printed by the adapter')).length === 2)
    await until(() => stage.lines.some(line => line.includes('my secret is')))
    const log = stage.lines.join('')
    expect(log).toContain('I am [secret]')
    expect(log).not.toMatch(/wherefore|refore|d2hlcmVmb3Jl/)
  })
})

describe('threat 161: an adapter', () => {
  test(
    'that stands still is ended with its process, and everybody else is served meanwhile',
    async () => {
      stage.set({ misbehaves: 'spin' })
      const engine = await open()
      await online(engine, 'romeo', 'juliet')
      const delay = monitorEventLoopDelay({ resolution: 5 })
      delay.enable()
      const sent = engine.send(ROMEO, say('hello', 'juliet'))
      await until(() => engine.status(ROMEO).state === 'waiting', undefined, PATIENT)
      delay.disable()
      expect(delay.percentile(99) / 1e6).toBeLessThan(100)
      expect(engine.status(JULIET).state).toBe('waiting')
      expect(stage.lines.join('')).toContain('it stood still')
      stage.set({})
      await engine.providerChanged('loop')
      await until(() => engine.status(JULIET).state === 'online', undefined, PATIENT)
      expect(await sent.done).toMatchObject({ level: 'delivered' })
    },
    2 * PATIENT,
  )

  test.each([
    // A collector that has ever less to collect may be what stands still, before all memory is taken.
    ['leak', /it used too much memory|it stood still/],
    ['leak-buffers', /it used too much memory/],
  ])(
    'that takes all memory is ended with its process: %s',
    async (misbehaves, reason) => {
      stage.set({ misbehaves, when: 'online' })
      const engine = await open()
      await engine.register(ROMEO, { name: 'romeo' }, {})
      engine.wake(ROMEO)
      await until(() => engine.status(ROMEO).state === 'waiting', undefined, PATIENT)
      expect(stage.lines.join('')).toMatch(reason)
      await behave(engine, {})
      await until(() => engine.status(ROMEO).state === 'online', undefined, PATIENT)
    },
    2 * PATIENT,
  )

  test(
    'that fails again and again is started again with pauses, then no more, until the operator has seen to it',
    async () => {
      stage.set({ misbehaves: 'throw', when: 'online' })
      const engine = await open()
      await engine.register(ROMEO, { name: 'romeo' }, {})
      engine.wake(ROMEO)
      const crashes = () => stage.lines.filter(line => line.includes('its process has ended')).length
      for (let crash = 1; crash < 5; crash++) {
        await until(() => crashes() === crash, undefined, PATIENT)
        expect(engine.status(ROMEO)).toMatchObject({ state: 'waiting', detail: 'The gateway has failed' })
        while (engine.status(ROMEO).state === 'waiting') stage.clock.advance(1000)
      }
      await until(() => engine.status(ROMEO).state === 'quarantined', undefined, PATIENT)
      expect(stage.lines.join('')).toContain('has failed too often and is not started again')
      expect(stage.lines.join('')).toContain('An adapter that fails')
      stage.clock.advance(60 * MINUTE)
      engine.wake(ROMEO, { afresh: true })
      expect(engine.status(ROMEO).state).toBe('quarantined')
      await behave(engine, {})
      await until(() => engine.status(ROMEO).state === 'online', undefined, PATIENT)
    },
    3 * PATIENT,
  )

  test(
    'that says more than can be heard is bounded, and everybody else is served meanwhile',
    async () => {
      stage.set({ misbehaves: 'flood', when: 'online' })
      const engine = await open()
      await engine.register(ROMEO, { name: 'romeo' }, {})
      const delay = monitorEventLoopDelay({ resolution: 5 })
      delay.enable()
      engine.wake(ROMEO)
      await until(
        () => {
          stage.clock.advance(10)
          return engine.status(ROMEO).detail === 'The network says more than can be heard'
        },
        undefined,
        PATIENT,
      )
      delay.disable()
      expect(delay.percentile(99) / 1e6).toBeLessThan(100)
    },
    2 * PATIENT,
  )

  test('that never answers is not waited for without end', async () => {
    stage.set({ misbehaves: 'hang' })
    const engine = await open()
    await online(engine, 'romeo')
    const sent = engine.send(ROMEO, say('hello', 'juliet'))
    let error: unknown
    sent.done.catch((reason: unknown) => {
      error = reason
    })
    await until(() => {
      stage.clock.advance(MINUTE)
      return error !== undefined
    })
    expect(error).toMatchObject({ failure: 'transient' })
  })
})
