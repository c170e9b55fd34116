import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import telegram from '@parley/gateway-telegram'
import { eventually } from '../../interop/eventually.ts'
import { freePort } from '../../ports.ts'
import { Kept, Stand } from '../irc/context.ts'

/** What is used of the emulator. */
interface Emulator {
  start(): Promise<void>
  stop(): Promise<unknown>
  getClient(
    token: string,
    options: object,
  ): { makeMessage(text: string): object; sendMessage(message: object): Promise<unknown> }
  readonly storage: {
    readonly botMessages: { readonly message: { readonly chat_id: unknown; readonly text: string } }[]
  }
}
const load = createRequire(import.meta.url)
const TelegramServer = load('telegram-test-api') as new (options: object) => Emulator
const TOKEN = '123456:token'

/** The emulator hands out each message once, whatever was confirmed, does not wait, and lets everybody in: the strict one does otherwise. */
describe('telegram-test-api', () => {
  let server: Emulator
  let stand: Stand<typeof telegram.settings>

  beforeEach(async () => {
    const port = await freePort()
    server = new TelegramServer({ port, host: '127.0.0.1' })
    await server.start()
    const settings = { api: `http://127.0.0.1:${port}`, pollSeconds: 1 }
    stand = new Stand(telegram, { kept: new Kept(), secrets: { token: TOKEN }, settings })
    await stand.session.start()
  })
  afterEach(async () => {
    await stand.end()
    await server.stop()
  })

  const juliet = () =>
    server.getClient(TOKEN, { userId: 1001, chatId: 1001, firstName: 'Juliet', userName: 'juliet', type: 'private' })

  test('a bot says who it is', () => {
    expect(stand.events[0]).toEqual({ type: 'self', id: '666', name: 'Test First name' })
  })

  test('messages go both ways, and are changed', async () => {
    const client = juliet()
    await client.sendMessage(client.makeMessage('But, soft! 💡 שלום'))
    expect(await stand.sees('message')).toMatchObject({ peer: '1001', text: 'But, soft! 💡 שלום', origin: 'remote' })
    const { id } = await stand.session.send!({ key: 'k', to: { peer: '1001' }, text: 'It is the east', receipt: false })
    expect(id).toMatch(/^1001\/\d+$/)
    await stand.session.edit!({ peer: '1001' }, id!, 'It is the west', { key: 'e' })
    expect(server.storage.botMessages.map(({ message }) => message)).toMatchObject([
      { chat_id: 1001, text: 'It is the west' },
    ])
  })

  test('each message comes once, in order', async () => {
    const client = juliet()
    for (let number = 0; number < 20; number++) await client.sendMessage(client.makeMessage(`m${number}`))
    await eventually('all are heard', () => stand.count('message') >= 20 || undefined)
    const texts = stand.events.flatMap(event => (event.type === 'message' ? [event.text] : []))
    expect(texts).toEqual(Array.from({ length: 20 }, (_, number) => `m${number}`))
  })
})
