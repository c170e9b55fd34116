import { expect, jest } from '@jest/globals'
import { scenario } from '@parley/testkit'

const ROWS = ['append', 'owedFor', 'owedCount', 'clearOwed', 'nextId', 'flush', 'page', 'count', 'byId'] as const

scenario(
  'XEP-0313 § 7: without an archive a chat between two who are online leaves the database alone',
  async ({ server }) => {
    const stage = await server('a.test', { config: { archive: false } })
    const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
    // By now each side knows where the other one is.
    await romeo.sends`<message type="chat" to="${juliet}"><body>Hark!</body></message>`
    await juliet.receives`<message><body>Hark!</body></message>`
    const { messages } = stage.store
    const spies = ROWS.map(name => jest.spyOn(messages, name))
    const session = stage.core.sessions.get([...stage.core.sessions.keys()][0]!)!
    const { receive } = session
    const waits: unknown[] = []
    session.receive = element => {
      const done = receive.call(session, element)
      waits.push(done)
      return done
    }
    try {
      for (const to of [juliet, juliet.bare]) {
        romeo.client.write(`<message type="chat" to="${to}"><body>Soft!</body></message>`)
      }
      // Taken, decided and on its way to the other session before the write returns.
      expect(waits).toEqual([undefined, undefined])
      expect(await session.drained()).toBeUndefined()
      for (const spy of spies) expect(spy).not.toHaveBeenCalled()
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
    for (let n = 0; n < 2; n++) await juliet.receives`<message from="${romeo}"><body>Soft!</body></message>`
  },
)
