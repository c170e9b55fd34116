import { AdapterError, type Context, type HttpResponse } from '@parley/adapter'
import { type Fields, fieldsOf, numberOf, textOf } from './json.ts'
import type { TelegramSettings } from './settings.ts'

const ANSWER = 4_194_304

/** Words of the network (Bot API, `description`) that tell more than the number of the answer. */
const REASONS: readonly (readonly [
  RegExp,
  'not-found' | 'too-large' | 'denied' | 'unsupported' | 'blocked',
  string,
])[] = [
  [/too long/i, 'too-large', 'The message is too long for Telegram'],
  [/reaction_invalid|reaction is invalid/i, 'unsupported', 'Telegram does not have this reaction'],
  [
    /not enough rights|need administrator|admin_required|can't remove/i,
    'denied',
    'The bot may not do this in that chat',
  ],
  [/can't be (?:edited|deleted)/i, 'denied', 'The message can no longer be changed'],
  [
    /not found|invalid/i,
    'not-found',
    'There is no such chat or message, or the bot has not been written to from there',
  ],
]

/** The Bot API of one bot. Its token is part of every address: none is ever shown. */
export class Api {
  readonly #context: Context<TelegramSettings>
  readonly #token: string

  constructor(context: Context<TelegramSettings>, token: string) {
    this.#context = context
    this.#token = token
  }

  /** What the method gives. @param seconds how long the network may wait with its answer @throws AdapterError */
  async call(method: string, parameters: Fields = {}, seconds = 0): Promise<unknown> {
    const response = await this.#fetch(`${this.#base}/bot${this.#token}/${method}`, parameters, seconds)
    const answer = fieldsOf(parse(response.body))
    if (response.status === 200 && answer?.['ok'] === true) return answer['result']
    throw failure(response.status, answer)
  }

  /** A file that `getFile` has named; undefined: too large. @throws AdapterError */
  async file(path: string, limit: number): Promise<Uint8Array | undefined> {
    if (!/^[\w./-]{1,200}$/.test(path) || path.includes('..')) return undefined
    const url = `${this.#base}/file/bot${this.#token}/${path}`
    const { status, body } = await this.#request({ method: 'GET', url, limit: limit + 1 })
    return status === 200 && body.length <= limit ? body : undefined
  }

  get #base(): string {
    return this.#context.settings.api.replace(/\/+$/, '')
  }

  async #fetch(url: string, parameters: Fields, seconds: number): Promise<HttpResponse> {
    return await this.#request({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(parameters),
      limit: ANSWER,
      timeout: (seconds + 20) * 1000,
    })
  }

  async #request(request: Parameters<Context['fetch']>[0]): Promise<HttpResponse> {
    try {
      return await this.#context.fetch(request)
    } catch (error) {
      // Whatever it says, it may say the address.
      const denied = error instanceof AdapterError && error.failure === 'denied'
      throw denied
        ? new AdapterError('denied', 'This server may not talk to Telegram')
        : new AdapterError('transient', 'Telegram cannot be reached')
    }
  }
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

function failure(status: number, answer: Fields | undefined): AdapterError {
  const code = numberOf(answer?.['error_code']) ?? status
  const words = textOf(answer?.['description']) ?? ''
  if (code === 401)
    return new AdapterError('credentials', 'Telegram does not know this bot: its token is wrong or was revoked')
  if (code === 409)
    return /webhook/i.test(words)
      ? new AdapterError('denied', 'Another program gets what is said to this bot (a webhook is set)')
      : new AdapterError('replaced', 'Another program gets what is said to this bot')
  if (code === 429) {
    const seconds = numberOf(fieldsOf(answer?.['parameters'])?.['retry_after']) ?? 30
    return new AdapterError('limited', 'Telegram wants less to be said', Math.min(Math.max(1, seconds), 86_400) * 1000)
  }
  if (code === 403) return new AdapterError('blocked', 'They have blocked the bot, or it was removed')
  if (code === 413) return new AdapterError('too-large', 'The message is too long for Telegram')
  if (code === 400 || code === 404) {
    const reason = REASONS.find(([pattern]) => pattern.test(words))
    return reason ? new AdapterError(reason[1], reason[2]) : new AdapterError('denied', 'Telegram does not do this')
  }
  if (code >= 500 || code === 200) return new AdapterError('transient', 'Telegram has a fault')
  return new AdapterError('protocol', 'Telegram gives an answer that makes no sense')
}
