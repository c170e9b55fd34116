import { readFile } from 'node:fs/promises'
import { expect } from '@jest/globals'
import { PASSWORD, plain, type RawClient, type StagedServer, scenario, scramAuth } from '@parley/testkit'

const SECONDS = process.env['PARLEY_FUZZ'] === 'full' ? 20 : 3
const PER_SECOND = 1000

scenario(
  'threat 172: a flood of passwords leaves threads for others, and nobody waits for long',
  async ({ server }) => {
    // What one password costs is what an operator may have chosen.
    const stage = await server('a.test', {
      config: { domains: ['a.test'], auth: { iterations: 50_000 }, limits: { logins: 0, connections: 0 } },
    })
    await stage.account('romeo')
    const others: number[] = []
    const logins: number[] = []
    const attempts: Promise<[string, number]>[] = []
    const end = performance.now() + SECONDS * 1000
    while (performance.now() < end) {
      const began = performance.now()
      for (let n = 0; n < PER_SECOND / 10; n++) attempts.push(attempt(stage, `192.0.2.${n}`))
      logins.push(await timed(() => scram(stage)))
      others.push(await timed(() => readFile(new URL(import.meta.url))))
      await new Promise(resolve => setTimeout(resolve, Math.max(0, began + 100 - performance.now())))
    }
    const answers = await Promise.all(attempts)
    const longest = (times: readonly number[]) => Math.max(...times)
    expect(new Set(answers.map(([condition]) => condition))).toEqual(
      new Set(['not-authorized', 'temporary-auth-failure']),
    )
    expect(longest(answers.map(([, ms]) => ms))).toBeLessThan(10_000)
    // SCRAM costs the server next to nothing, and a file a thread that must be free.
    expect(longest(logins)).toBeLessThan(2000)
    expect(longest(others)).toBeLessThan(1000)
  },
)

async function attempt(stage: StagedServer, remote: string): Promise<[string, number]> {
  const client = stage.client({ remote })
  await client.negotiate('a.test')
  const began = performance.now()
  client.write(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${plain('romeo', 'wrong')}</auth>`)
  while (client.inbox.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
  client.wire.cut()
  return [client.inbox[0]!.firstElement()!.name, performance.now() - began]
}

async function scram(stage: StagedServer): Promise<void> {
  const client: RawClient = stage.client()
  await client.negotiate('a.test')
  const [answer] = await scramAuth(client, { mechanism: 'SCRAM-SHA-256', user: 'romeo', password: PASSWORD })
  expect(answer.name).toBe('success')
  client.wire.cut()
}

async function timed(task: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await task()
  return performance.now() - began
}
