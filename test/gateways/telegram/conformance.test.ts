import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Event } from '@parley/adapter'
import telegram from '@parley/gateway-telegram'
import { freePort } from '../../ports.ts'
import { eventually, type Login, type Peer, Quiet, runConformance, type Signal, Spoiler } from '../kit/index.ts'
import { failed, StrictApi } from './strict.ts'

/** Somebody who has opened a chat with each bot. */
class Writer extends Quiet {
  readonly id: string
  readonly told: Event[] = []
  readonly #bots: ReadonlyMap<string, StrictApi>
  readonly #user: { readonly id: number; readonly first_name: string }

  constructor(bots: ReadonlyMap<string, StrictApi>, id: number, name: string) {
    super()
    this.#bots = bots
    this.#user = { id, first_name: name }
    this.id = String(id)
    for (const [bot, api] of bots) {
      api.chat(this.#user)
      api.watch((...call) => this.#called(bot, ...call))
    }
  }

  async says(to: string, text: string, replyTo?: string): Promise<string | undefined> {
    const more = replyTo === undefined ? {} : { reply_to_message: { message_id: numberOf(replyTo) } }
    return `${this.id}/${this.#bot(to).says(this.#user, text, more)}`
  }

  override async signals(to: string, signal: Signal): Promise<void> {
    if (signal.type !== 'edit' && signal.type !== 'reaction') return
    const where = { message_id: numberOf(signal.target), chat: this.#user }
    if (signal.type === 'edit')
      this.#bot(to).happens({ edited_message: { ...where, from: this.#user, text: signal.text } })
    else {
      const new_reaction = signal.emojis.map(emoji => ({ type: 'emoji', emoji }))
      this.#bot(to).happens({ message_reaction: { ...where, user: this.#user, new_reaction } })
    }
  }

  #bot(id: string): StrictApi {
    return this.#bots.get(id)!
  }

  #called(peer: string, method: string, parameters: Readonly<Record<string, unknown>>, result: unknown): void {
    if (parameters['chat_id'] !== this.#user.id) return
    const target = `${this.id}/${String(parameters['message_id'])}`
    const text = parameters['text'] as string
    if (method === 'sendMessage') {
      const answered = parameters['reply_parameters'] as { readonly message_id: number } | undefined
      const replyTo = answered && { replyTo: `${this.id}/${answered.message_id}` }
      const id = `${this.id}/${(result as { readonly message_id: number }).message_id}`
      this.told.push({ type: 'message', id, text, origin: 'remote', peer, ...replyTo })
    } else if (method === 'sendChatAction') this.told.push({ type: 'typing', state: 'composing', peer })
    else if (method === 'editMessageText') this.told.push({ type: 'edit', target, text, origin: 'remote', peer })
    else if (method === 'deleteMessage') this.told.push({ type: 'retract', target, origin: 'remote', peer })
    else if (method === 'setMessageReaction') {
      const emojis = (parameters['reaction'] as { readonly emoji: string }[]).map(({ emoji }) => emoji)
      this.told.push({ type: 'reaction', target, emojis, origin: 'remote', peer })
    }
  }
}

const numberOf = (id: string) => Number(id.split('/')[1])

/** One address for all bots, as the network has. */
async function makePeer(): Promise<Peer> {
  const bots = new Map<string, StrictApi>()
  const people = new Map<string, Writer>()
  const front = createServer((request, response) => {
    const bot = /^\/bot(\d+):/.exec(request.url ?? '')?.[1] ?? ''
    const api = bots.get(bot)
    if (api) void api.serve(request, response)
    else response.writeHead(401).end(JSON.stringify({ ok: false, error_code: 401, description: 'Unauthorized' }))
  }).listen(0, '127.0.0.1')
  await once(front, 'listening')
  const spoiler = await Spoiler.open((front.address() as { port: number }).port)
  const settings = { api: `http://127.0.0.1:${spoiler.port}`, pollSeconds: 1 }
  const nowhere = { ...settings, api: `http://127.0.0.1:${await freePort()}` }
  const login = (id: string, token: string): Login => ({ id, fields: {}, secrets: { token } })
  return {
    settings,
    nowhere,
    stranger: '999999',
    async account(name) {
      const id = String(40 + bots.size)
      const token = `${id}:the-token-of-${name}`
      bots.set(id, await StrictApi.open(token, { id: Number(id), first_name: name }))
      return login(id, token)
    },
    async person(name) {
      const person = people.get(name) ?? new Writer(bots, 5000 + people.size, name)
      people.set(name, person)
      return person
    },
    room: () => '-2001',
    async stop() {
      spoiler.close()
      front.closeAllConnections()
      front.close()
      for (const api of bots.values()) await api.close()
    },
    wrong: async () => login('40', '40:a-wrong-token'),
    async replace(id) {
      const api = bots.get(id)!
      api.answers.set('getUpdates', failed(409, 'Conflict: terminated by other getUpdates request'))
    },
    // In place of an answer to two questions for news: as they are, and as the body of one.
    async garbage(id, bytes) {
      const head = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`)
      const question = new RegExp(`^POST /bot${id}:\\S+/getUpdates `)
      for (const said of [bytes, Buffer.concat([head, bytes])]) {
        await eventually('a question for news', () => spoiler.has(question))
        spoiler.say(question, said)
        await eventually('the end of it', () => !spoiler.has(question))
      }
    },
    freeze: async id => spoiler.freeze(new RegExp(`^POST /bot${id}:`)),
    slow: async () => spoiler.slow(),
  }
}

// Groups are shown by plays of their own: a bot has one name, which a room does not change.
const capabilities = { ...telegram.capabilities, rooms: 'none' } as const

// Nothing is cut: each question has a connection of its own, and none that breaks ends a session (broken.test.ts).
runConformance({
  adapter: { ...telegram, capabilities } as unknown as Parameters<typeof runConformance>[0]['adapter'],
  makePeer,
  has: ['wrong', 'nowhere', 'strangers', 'offline', 'replace', 'garbage', 'freeze', 'slow'],
  presence: { out: [], in: [] },
})
