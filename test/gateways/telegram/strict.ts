import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Break } from '../kit/index.ts'

type Answer = { readonly status: number; readonly body: unknown }
type Parameters = Readonly<Record<string, unknown>>

export const TOKEN = '123456:a-good-token_of-a-bot'

/**
 * The Bot API as its documentation has it, where that matters: one question for news at a time, which waits; what was confirmed by
 * an offset is gone, what was not comes again; a wrong token, a chat that nobody has opened, too much at once.
 */
export class StrictApi {
  /** Who runs each group. */
  admins: object[] = [{ id: 7, first_name: 'Nurse' }]
  readonly calls: { readonly method: string; readonly parameters: Parameters }[] = []
  /** What comes instead of the answer, by method, once each. */
  readonly answers = new Map<string, Answer>()
  /** When the connections of the next calls break, by method: before the call is taken, or after it and before the answer. */
  readonly breaks = new Map<string, Break[]>()
  readonly #server: Server
  readonly #token: string
  readonly #me: object
  #watch: ((method: string, parameters: Parameters, result: unknown) => void) | undefined
  readonly url: string
  readonly #chats = new Map<number, object>()
  #updates: { readonly update_id: number }[] = []
  #waiting: (() => void) | undefined
  #update = 1000
  #message = 1

  private constructor(server: Server, token: string, me: object) {
    this.#server = server
    this.#token = token
    this.#me = me
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    server.on('request', (request, response) => void this.serve(request, response))
  }

  static async open(
    token = TOKEN,
    me: object = { id: 42, first_name: 'Romeo', username: 'romeo_bot' },
  ): Promise<StrictApi> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new StrictApi(server, token, me)
  }

  /** Tells what the bot has done. */
  watch(watcher: (method: string, parameters: Parameters, result: unknown) => void): void {
    const before = this.#watch
    this.#watch = (...call) => {
      before?.(...call)
      watcher(...call)
    }
  }

  chat(chat: { readonly id: number }): void {
    this.#chats.set(chat.id, chat)
  }

  /** Something happens. */
  happens(update: object): void {
    this.#updates.push({ update_id: this.#update++, ...update })
    this.#waiting?.()
  }

  /** Somebody says something in a chat of their own, or in a group. */
  says(
    from: { readonly id: number },
    text: string,
    more: object = {},
    chat: { readonly id: number } = { ...from },
  ): number {
    this.chat(chat)
    const id = this.#message++
    this.happens({ message: { message_id: id, from, chat, date: 1_790_000_000, text, ...more } })
    return id
  }

  called(method: string): Parameters[] {
    return this.calls.filter(call => call.method === method).map(call => call.parameters)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const [, token = '', method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(request.url ?? '') ?? []
    const parameters = JSON.parse(text || '{}') as Parameters
    const breaks = this.breaks.get(method) ?? []
    if (breaks[0] === 'before') {
      breaks.shift()
      request.socket.destroy()
      return
    }
    const answer = method ? await this.#answer(token, method, parameters, request) : notFound
    if (answer.status === 200) this.#watch?.(method, parameters, (answer.body as { result: unknown }).result)
    if (response.destroyed) return
    if (breaks[0] === 'after') {
      breaks.shift()
      request.socket.destroy()
      return
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  }

  async #answer(token: string, method: string, parameters: Parameters, request: IncomingMessage): Promise<Answer> {
    if (token !== this.#token) return failed(401, 'Unauthorized')
    if (method !== 'getUpdates') this.calls.push({ method, parameters })
    const instead = this.answers.get(method)
    this.answers.delete(method)
    if (instead) return instead
    const chat = this.#chats.get(Number(parameters['chat_id']))
    if ('chat_id' in parameters && !chat) return failed(400, 'Bad Request: chat not found')
    switch (method) {
      case 'getMe':
        return ok({ is_bot: true, ...this.#me })
      case 'getUpdates':
        return await this.#news(parameters, request)
      case 'sendMessage':
        if (typeof parameters['text'] !== 'string' || parameters['text'].length > 4096)
          return failed(400, 'Bad Request: message is too long')
        return ok({ message_id: this.#message++, date: 1_790_000_000, chat, text: parameters['text'] })
      case 'getChat':
        return ok(chat)
      case 'getChatAdministrators':
        return ok(this.admins.map(user => ({ status: 'creator', user })))
      case 'sendChatAction':
      case 'editMessageText':
      case 'deleteMessage':
      case 'setMessageReaction':
      case 'setChatTitle':
      case 'banChatMember':
      case 'unbanChatMember':
        return ok(true)
      default:
        return notFound
    }
  }

  async #news({ offset, timeout }: Parameters, request: IncomingMessage): Promise<Answer> {
    if (this.#waiting) {
      this.#waiting()
      return failed(
        409,
        'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
      )
    }
    if (typeof offset === 'number') this.#updates = this.#updates.filter(({ update_id }) => update_id >= offset)
    if (this.#updates.length === 0)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, Number(timeout ?? 0) * 1000)
        this.#waiting = () => {
          clearTimeout(timer)
          resolve()
        }
        request.socket.once('close', this.#waiting)
      })
    this.#waiting = undefined
    return ok(this.#updates.slice(0, 100))
  }
}

const ok = (result: unknown): Answer => ({ status: 200, body: { ok: true, result } })
export const failed = (status: number, description: string, parameters: object = {}): Answer => ({
  status,
  body: { ok: false, error_code: status, description, parameters },
})
const notFound = failed(404, 'Not Found')
