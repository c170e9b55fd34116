import { describe, expect, test } from '@jest/globals'
import { Jid } from '@parley/jid'
import type { Clock } from '@parley/net'
import { Body, Iq, StanzaError } from '@parley/stanza'
import { el } from '@parley/xml'
import { IqCaller, IqRoutes } from './iq.ts'
import { iqGet } from './module.ts'

const to = Jid.parse('juliet@a.test/balcony')
const question = new Iq({ type: 'get', id: 'x', to, from: Jid.parse('a.test') }, Body.of([el('q', 'urn:x')]))

const ALONE = { node: 'one', isShared: false, post: () => false }

function caller(timeout?: number) {
  let now = 0
  const tasks: (() => void)[] = []
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    every: (_, task) => {
      tasks.push(task)
      return () => undefined
    },
    after: () => () => undefined,
  }
  const advance = (ms: number) => {
    now += ms
    for (const task of tasks) task()
  }
  return { caller: new IqCaller(clock, ALONE, timeout), advance }
}

const answer = (id: string | undefined, from: Jid | undefined, type: 'result' | 'error' = 'result') =>
  new Iq({ type, id, from, to: Jid.parse('a.test') })

describe('threat 62: questions of the server', () => {
  test('an answer counts with the id and the address that was asked, once', async () => {
    const { caller: calls } = caller()
    let sent: Iq | undefined
    const answered = calls.request(question, iq => {
      sent = iq
    })
    expect(sent!.id).toMatch(/^[0-9a-f-]{36}$/)
    for (const from of [undefined, to.bare, Jid.parse('juliet@a.test/other'), Jid.parse('tybalt@a.test/x')])
      expect(calls.settle(answer(sent!.id, from))).toBe(false)
    for (const id of [undefined, 'x', '__proto__']) expect(calls.settle(answer(id, to))).toBe(false)
    expect(calls.settle(answer(sent!.id, to))).toBe(true)
    expect(calls.settle(answer(sent!.id, to))).toBe(false)
    expect((await answered).type).toBe('result')
  })

  test('ids are never the same', () => {
    const { caller: calls } = caller()
    const ids = new Set<string | undefined>()
    for (let i = 0; i < 100; i++) calls.request(question, iq => void ids.add(iq.id)).catch(() => undefined)
    expect(ids.size).toBe(100)
    calls.stop()
  })

  test('an error is a refusal; no answer is one too', async () => {
    const { caller: calls, advance } = caller(5000)
    let id: string | undefined
    const refused = calls.request(question, iq => {
      id = iq.id
    })
    calls.settle(answer(id, to, 'error'))
    await expect(refused).rejects.toThrow(StanzaError)
    const late = calls.request(question, () => undefined)
    advance(4999)
    advance(2)
    await expect(late).rejects.toMatchObject({ condition: 'remote-server-timeout' })
  })

  test('what cannot be sent is given up at once', async () => {
    const { caller: calls } = caller()
    await expect(calls.request(question, () => Promise.reject(new Error('no way')))).rejects.toThrow('no way')
    await expect(calls.request(question.with({ to: undefined }), () => undefined)).rejects.toThrow(StanzaError)
    const thrown = calls.request(question, () => {
      throw new Error('no way at all')
    })
    await expect(thrown).rejects.toThrow('no way at all')
  })

  test('there is a limit, and an end', async () => {
    const { caller: calls } = caller()
    const all = Array.from({ length: IqCaller.LIMIT }, () => calls.request(question, () => undefined))
    const settled = Promise.allSettled(all)
    await expect(calls.request(question, () => undefined)).rejects.toMatchObject({ condition: 'resource-constraint' })
    calls.stop()
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true)
  })
})

describe('routes', () => {
  test('by target, type, namespace and name; no two for one', () => {
    const routes = new IqRoutes()
    const route = iqGet('host', 'urn:x', 'q', () => undefined)
    routes.add(route)
    expect(routes.find('host', 'get', el('q', 'urn:x'))).toBe(route)
    expect(routes.find('host', 'set', el('q', 'urn:x'))).toBeUndefined()
    expect(routes.find('self', 'get', el('q', 'urn:x'))).toBeUndefined()
    expect(routes.find('host', 'get', el('__proto__', 'urn:x'))).toBeUndefined()
    expect(() => routes.add(route)).toThrow('Two modules answer get q in urn:x')
    expect(routes.namespaces()).toEqual(new Set(['urn:x']))
  })
})
