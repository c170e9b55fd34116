import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Outgoing } from '@parley/adapter'
import type { Engine } from '@parley/gateway'
import { closeStore } from '@parley/testkit'
import { EngineStage, JULIET, Played, ROMEO, until } from './engine-stage.ts'

let stage: EngineStage
let engine: Engine
beforeEach(async () => {
  stage = new EngineStage()
  engine = await stage.open()
})
afterEach(() => stage.close())
afterAll(closeStore)

const MINUTE = 60_000
let keys = 0
const say = (text: string, peer = 'nurse'): Outgoing => ({ key: `k${++keys}`, to: { peer }, text, receipt: false })

async function online(key = ROMEO, name = 'romeo', password = 'wherefore'): Promise<void> {
  await engine.register(key, { name }, { password })
  engine.wake(key, { afresh: true })
  await stage.state(engine, key, 'online')
}

describe('an account', () => {
  test('is registered, shown without secrets, found, and forgotten', async () => {
    await engine.register(ROMEO, { name: 'romeo' }, { password: 'wherefore' })
    await engine.register(JULIET, { name: 'juliet' }, {})
    expect(await engine.registration(ROMEO)).toEqual({ name: 'romeo' })
    expect(await engine.registrations({ provider: 'loop' })).toEqual([JULIET, ROMEO])
    expect(await engine.registrations({ owner: ROMEO.owner })).toEqual([ROMEO])
    expect(await engine.registrations({})).toHaveLength(2)
    expect(await engine.unregister(ROMEO)).toBe(true)
    expect(await engine.unregister(ROMEO)).toBe(false)
    expect(await engine.registration(ROMEO)).toBeUndefined()
    engine.wake(ROMEO)
    await stage.state(engine, ROMEO, 'idle')
  })

  test('comes online when it is woken, and ends when nobody wants it', async () => {
    await online()
    expect(stage.states).toEqual(['romeo@a.test connecting', 'romeo@a.test online'])
    expect(stage.events.map(({ event }) => event.type)).toEqual(['self', 'roster'])
    expect(stage.world.person('romeo').isHere).toBe(true)
    engine.wake(ROMEO)
    await engine.rest(ROMEO)
    expect(engine.status(ROMEO).state).toBe('idle')
    expect(stage.world.person('romeo').isHere).toBe(false)
  })

  test('says and hears, and is refused what cannot be', async () => {
    const nurse = new Played(stage.world, 'nurse')
    await online()
    const ack = await engine.run(ROMEO, 'send', say('good morrow'))
    expect(ack).toMatchObject({ id: 'm1', level: 'delivered' })
    nurse.says('romeo', 'well, sir')
    await until(() => stage.eventsOf('message').length === 2)
    expect(stage.eventsOf('message')).toMatchObject([
      { text: 'good morrow', origin: 'self-echo', id: 'm1' },
      { text: 'well, sir', origin: 'remote', peer: 'nurse' },
    ])
    await expect(engine.run(ROMEO, 'send', say('hello', 'nobody'))).rejects.toMatchObject({ failure: 'not-found' })
    await expect(engine.run(JULIET, 'typing', { peer: 'nurse' }, 'composing', { key: 'k' })).rejects.toMatchObject({
      failure: 'transient',
    })
    await expect(engine.run(ROMEO, 'sendPresence', 'nurse', { show: 'away' }, { key: 'k' })).rejects.toMatchObject({
      failure: 'unsupported',
    })
  })

  test('keeps what an adapter keeps, until another login is registered', async () => {
    await online()
    await engine.rest(ROMEO)
    engine.wake(ROMEO)
    await stage.state(engine, ROMEO, 'online')
    const kept = stage.store.maps.map<string>('gateway-kept')
    expect(await kept.get(ROMEO.owner, 'loop\nlogins')).toBe('2')
    await engine.register(ROMEO, { name: 'romeo' }, {})
    expect(await kept.get(ROMEO.owner, 'loop\nlogins')).toBeUndefined()
  })
})

describe('a session that ends', () => {
  test('comes again by itself', async () => {
    await online()
    stage.world.cut('romeo')
    await stage.state(engine, ROMEO, 'waiting')
    expect(stage.states.at(-1)).toBe('romeo@a.test waiting: The connection was lost')
    stage.clock.advance(7000)
    await stage.state(engine, ROMEO, 'online')
  })

  test('because the password is wrong is not tried again, not even after a pause', async () => {
    stage.set({ password: 'right' })
    await engine.register(ROMEO, { name: 'romeo' }, { password: 'wrong' })
    engine.wake(ROMEO)
    await stage.state(engine, ROMEO, 'needs-login')
    const { length } = stage.states
    stage.clock.advance(60 * MINUTE)
    engine.wake(ROMEO)
    await engine.rest(ROMEO)
    engine.wake(ROMEO)
    expect(stage.states).toHaveLength(length)
    await online(ROMEO, 'romeo', 'right')
  })

  test('because another program took over comes again once, then no more', async () => {
    await online()
    new Played(stage.world, 'romeo')
    await stage.state(engine, ROMEO, 'waiting')
    stage.clock.advance(MINUTE)
    await stage.state(engine, ROMEO, 'online')
    new Played(stage.world, 'romeo')
    await stage.state(engine, ROMEO, 'replaced')
    stage.clock.advance(60 * MINUTE)
    expect(engine.status(ROMEO).state).toBe('replaced')
    engine.wake(ROMEO, { afresh: true })
    await stage.state(engine, ROMEO, 'online')
  })

  test('because it was too fast comes again exactly when it may, whoever wakes it', async () => {
    stage.set({ misbehaves: 'limited', when: 'start' })
    await engine.register(ROMEO, { name: 'romeo' }, {})
    engine.wake(ROMEO)
    await stage.state(engine, ROMEO, 'waiting')
    stage.set({})
    engine.wake(ROMEO, { afresh: true })
    stage.clock.advance(MINUTE - 1)
    expect(engine.status(ROMEO).state).toBe('waiting')
    stage.clock.advance(1)
    await stage.state(engine, ROMEO, 'online')
  })

  test('because it never came online is given up after two minutes, and tried again', async () => {
    stage.set({ misbehaves: 'hang', when: 'start' })
    await engine.register(ROMEO, { name: 'romeo' }, {})
    engine.wake(ROMEO)
    await until(() => {
      stage.clock.advance(MINUTE)
      return engine.status(ROMEO).state === 'waiting'
    })
    expect(engine.status(ROMEO).detail).toBe('The network takes too long to let us in')
  })
})

describe('a message', () => {
  test('that is sent while the session is away waits, also over a restart, and its ids are known', async () => {
    new Played(stage.world, 'nurse')
    await engine.register(ROMEO, { name: 'romeo' }, {})
    const message = say('good morrow')
    const { kept, done } = engine.send(ROMEO, message)
    await kept
    await engine.stop()
    await expect(done).rejects.toMatchObject({ failure: 'transient' })
    engine = await stage.open()
    engine.wake(ROMEO)
    await until(() => stage.eventsOf('message').length === 1)
    while ((await stage.store.gateways.queued(ROMEO)).length > 0);
    expect(await engine.ids.byStanza(ROMEO, message.key)).toEqual({ peer: 'nurse', native: 'm1', stanza: message.key })
  })

  test('that waits too long bounces', async () => {
    await engine.register(ROMEO, { name: 'romeo' }, {})
    const { kept, done } = engine.send(ROMEO, say('good morrow'))
    await kept
    stage.clock.advance(5 * MINUTE)
    await expect(done).rejects.toThrow('The network could not be reached in time')
  })

  test('that waited over a restart bounces, also when nobody wakes the account', async () => {
    await engine.register(ROMEO, { name: 'romeo' }, {})
    const message = say('good morrow')
    await engine.send(ROMEO, message).kept
    await engine.stop()
    engine = await stage.open()
    await until(() => {
      stage.clock.advance(60_000)
      return stage.eventsOf('bounced').length > 0
    })
    expect(stage.eventsOf('bounced')).toMatchObject([{ key: message.key, error: { failure: 'transient' } }])
    while ((await stage.store.gateways.queued(ROMEO)).length > 0);
  })

  test('that waited for a network that was removed bounces', async () => {
    await engine.register(ROMEO, { name: 'romeo' }, {})
    const message = say('good morrow')
    await engine.send(ROMEO, message).kept
    await engine.stop()
    stage.providers.clear()
    engine = await stage.open()
    await until(() => {
      stage.clock.advance(60_000)
      return stage.eventsOf('bounced').length > 0
    })
    expect(stage.eventsOf('bounced')).toMatchObject([{ key: message.key, error: { failure: 'denied' } }])
  })

  test('that waits when the account goes is refused', async () => {
    await engine.register(ROMEO, { name: 'romeo' }, {})
    const { kept, done } = engine.send(ROMEO, say('good morrow'))
    await kept
    await engine.unregister(ROMEO)
    await expect(done).rejects.toMatchObject({ failure: 'denied' })
    expect(await stage.store.gateways.queued(ROMEO)).toEqual([])
  })
})

describe('a provider', () => {
  test('that is switched off ends its sessions, and they come back when it is switched on', async () => {
    await online()
    stage.set({}, { enabled: false })
    await engine.providerChanged('loop')
    await stage.state(engine, ROMEO, 'idle')
    expect(stage.world.person('romeo').isHere).toBe(false)
    stage.set({})
    engine.wake(ROMEO)
    await stage.state(engine, ROMEO, 'online')
  })

  test('whose settings change begins its sessions again with them', async () => {
    await online()
    stage.set({ password: 'another' })
    await engine.providerChanged('loop')
    await stage.state(engine, ROMEO, 'needs-login')
  })
})

describe('threat 159: secrets', () => {
  test('are sealed in the database, and open after a new key has sealed them', async () => {
    stage.set({ password: 'wherefore' })
    await online()
    const row = () =>
      stage.store.maps.map<{ secrets: { password: string } }>('gateway-account').get(ROMEO.owner, 'loop')
    const before = (await row())!.secrets.password
    expect(JSON.stringify(await row())).not.toContain('wherefore')
    expect(await engine.rotateKeys()).toBe(1)
    expect((await row())!.secrets.password.split('.')[1]).not.toBe(before.split('.')[1])
    await engine.rest(ROMEO)
    engine.wake(ROMEO)
    await stage.state(engine, ROMEO, 'online')
  })

  test('are of no use in the row of somebody else', async () => {
    stage.set({ password: 'wherefore' })
    await online()
    const rows = stage.store.maps.map('gateway-account')
    await rows.set(JULIET.owner, 'loop', (await rows.get(ROMEO.owner, 'loop'))!)
    engine.wake(JULIET)
    await stage.state(engine, JULIET, 'waiting')
    expect(engine.status(JULIET).detail).toBe('The gateway has a fault')
  })

  test('are not made anew where the key file is lost', async () => {
    await online()
    const elsewhere = await stage.open({ data: '/nowhere' })
    const registered = elsewhere.register(JULIET, { name: 'juliet' }, { password: 'wherefore' })
    await expect(registered).rejects.toThrow('the key of sealed secrets is missing')
  })
})

describe('threat 160: a network', () => {
  test('that says what no network may say does no harm', async () => {
    stage.set({ misbehaves: 'garbage', when: 'online' })
    await online()
    const texts = stage.eventsOf('message').map(event => ('text' in event ? (event.text ?? '') : ''))
    for (const text of texts) {
      expect(text).not.toMatch(/[\u0000-\u0008\r]|\p{Surrogate}/u)
      expect(text.length).toBeLessThanOrEqual(262_144)
    }
    expect(engine.status(ROMEO).state).toBe('online')
  })

  test('that says too much is not heard any more', async () => {
    stage.set({ misbehaves: 'flood', when: 'online' })
    await online()
    for (let index = 0; index < 60 && engine.status(ROMEO).state === 'online'; index++) {
      stage.clock.advance(1)
      await new Promise(resolve => setImmediate(resolve))
    }
    await until(() => {
      stage.clock.advance(100)
      return engine.status(ROMEO).detail === 'The network says more than can be heard'
    })
  })
})
