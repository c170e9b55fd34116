import { expect } from '@jest/globals'
import type { Jid } from '@parley/jid'
import type { Actor, StagedServer } from '@parley/testkit'
import { onEachDriver } from './drivers.ts'

const SM = 'urn:xmpp:sm:3'
/** The longest queue of a client that does not acknowledge. */
const QUEUE = 2000
const FLOOD = process.env['PARLEY_FUZZ'] === 'full' ? 100_000 : 2500
const TURN = 100

/** A client that counts, and says no word more. */
async function silent(stage: StagedServer, address: string): Promise<Actor> {
  const [actor] = (await stage.join(address)) as [Actor]
  await actor.sends`<enable xmlns="${SM}" resume="true"/>`
  await actor.client.next('enabled')
  return actor
}

/** Sends so many chat messages, some at a time; gives how many came back as errors, each of which is like that. */
async function floods(sender: Actor, count: number, to: Actor | Jid, error: RegExp, body = 'x'): Promise<number> {
  let refused = 0
  for (let n = 0; n < count; n += TURN) {
    let text = ''
    for (let i = n; i < Math.min(count, n + TURN); i++)
      text += `<message type="chat" to="${to}"><body>${body}</body></message>`
    sender.client.write(text)
    await sender.fence()
    for (const answer of sender.client.inbox.splice(0)) {
      expect([answer.attrs['type'], String(answer)]).toEqual(['error', expect.stringMatching(error)])
      refused++
    }
  }
  return refused
}

onEachDriver('threat 165: a client that never acknowledges loses its session, not a message', async ({ server }) => {
  const config = { domains: ['a.test'], limits: { offline: 1_000_000, stanzas: 0 } }
  const stage = await server('a.test', { config })
  const [juliet] = await stage.join('juliet/balcony')
  const romeo = await silent(stage, 'romeo/orchard')
  expect(await floods(juliet, FLOOD, romeo, /never/)).toBe(0)

  expect(romeo.client.closed).toBe(true)
  const got = romeo.client.inbox.splice(0)
  expect(got.filter(({ name }) => name === 'message').length).toBe(QUEUE)
  expect(String(got.at(-1))).toContain('<reset ')
  expect(await stage.core.live.sessionsNow(romeo.bare)).toEqual([])
  // Everything that was not acknowledged is owed, and the archive has it.
  expect(await stage.store.messages.owedCount(romeo.bare.text)).toBe(FLOOD)
  expect(await stage.store.messages.count(romeo.bare.text, {}, FLOOD + 1)).toBe(FLOOD)
})

onEachDriver('threat 163: what waits for one client is bounded by its size too', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet] = await stage.join('juliet/balcony')
  const romeo = await silent(stage, 'romeo/orchard')
  // Far fewer than the queue may have.
  expect(await floods(juliet, 100, romeo, /never/, 'x'.repeat(100_000))).toBe(0)
  expect(romeo.client.closed).toBe(true)
  expect(romeo.client.inbox.splice(0).filter(({ name }) => name === 'message').length).toBe(83)
})

onEachDriver(
  'threat 178: strangers fill half of the room for somebody who is away, contacts the rest',
  async ({ server, befriend }) => {
    const stage = await server('a.test')
    const [juliet, romeo, mallory] = await stage.join('juliet/balcony', 'romeo/orchard', 'mallory/cellar')
    await befriend(juliet, romeo)
    await romeo.leaves()
    await juliet.settles()
    const room = stage.core.config.limits.offline

    const refused = await floods(mallory, FLOOD, romeo.bare, /service-unavailable.*Too much waits for the recipient/)
    expect(FLOOD - refused).toBe(room / 2)
    // The stranger has not shut out whom one knows.
    expect(await floods(juliet, room / 2, romeo.bare, /never/)).toBe(0)
    expect(await floods(juliet, TURN, romeo.bare, /Too much waits for the recipient/)).toBe(TURN)
    expect(await stage.store.messages.owedCount(romeo.bare.text)).toBe(room)
  },
)

onEachDriver('threat 178: many senders on many processes at once overrun the room by little', async ({ server }) => {
  const stage = await server('a.test')
  const names = Array.from({ length: 8 }, (_, n) => `mallory${n}/cellar` as const)
  const senders = await stage.join(...names)
  const romeo = await stage.account('romeo')
  const refused = await Promise.all(senders.map(sender => floods(sender, 200, romeo, /Too much waits/)))

  const room = stage.core.config.limits.offline
  const kept = await stage.store.messages.owedCount(romeo.text)
  expect(kept).toBe(1600 - refused.reduce((a, b) => a + b))
  // Each process knows what the others have added two seconds late.
  expect(kept).toBeLessThanOrEqual((room / 2) * 4)
})
