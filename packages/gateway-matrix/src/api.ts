import { AdapterError, type Context, type Failure, type HttpRequest } from '@parley/adapter'
import { type Fields, fieldsOf, parse, textOf } from './json.ts'
import type { MatrixSettings } from './settings.ts'

const ANSWER = 4_194_304

/** What the homeserver's words for an error mean (Client-Server API, standard error response). */
const FAILURES: Readonly<Record<string, readonly [Failure, string]>> = {
  M_UNKNOWN_TOKEN: ['credentials', 'The homeserver does not know this gateway'],
  M_MISSING_TOKEN: ['credentials', 'The homeserver does not know this gateway'],
  M_EXCLUSIVE: ['denied', 'The names of this gateway are not registered with the homeserver'],
  M_FORBIDDEN: ['denied', 'That is not allowed there'],
  M_NOT_FOUND: ['not-found', 'There is no such room, user or message'],
  M_UNKNOWN: ['denied', 'The homeserver does not do this'],
  M_USER_DEACTIVATED: ['not-found', 'That account is no longer used'],
  M_TOO_LARGE: ['too-large', 'The message is too long for Matrix'],
  M_UNRECOGNIZED: ['unsupported', 'The homeserver does not know this'],
}

/** The Client-Server API, spoken as an application service: in the name of the gateway, or of one of its users. */
export class Api {
  readonly #context: Context<MatrixSettings>

  constructor(context: Context<MatrixSettings>) {
    this.#context = context
  }

  /**
   * @param path parts of it, each written as one
   * @param as whose name it is done in: the Matrix id of a user of ours
   * @throws AdapterError; its `code` is what the homeserver calls it
   */
  async call(method: HttpRequest['method'], path: readonly string[], body?: Fields, as?: string): Promise<Fields> {
    const { homeserver, asToken } = this.#context.settings
    const where = ['_matrix', 'client', 'v3', ...path].map(encodeURIComponent).join('/')
    const query = as === undefined ? '' : `?user_id=${encodeURIComponent(as)}`
    const headers = { authorization: `Bearer ${asToken}`, 'content-type': 'application/json' }
    const request: HttpRequest = {
      method,
      url: `${homeserver.replace(/\/+$/, '')}/${where}${query}`,
      headers,
      limit: ANSWER,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
    const response = await this.#context.fetch(request).catch((error: unknown) => {
      throw error instanceof AdapterError && error.failure === 'denied'
        ? new AdapterError('denied', 'This server may not talk to the homeserver')
        : new AdapterError('transient', 'The homeserver cannot be reached')
    })
    const answer = fieldsOf(parse(response.body))
    if (response.status === 200 && answer) return answer
    throw new MatrixError(response.status, answer)
  }
}

export class MatrixError extends AdapterError {
  readonly code: string

  constructor(status: number, answer: Fields | undefined) {
    const code = textOf(answer?.['errcode']) ?? ''
    // Synapse calls a profile that is not there unknown, with the status of what is not found.
    const known = status === 404 && code === 'M_UNKNOWN' ? FAILURES['M_NOT_FOUND'] : FAILURES[code]
    const [failure, words] = known ?? ['denied', 'The homeserver does not do this']
    const wait = Number(answer?.['retry_after_ms'])
    if (status === 429)
      super('limited', 'The homeserver wants less to be said', wait > 0 ? Math.min(wait, 3_600_000) : 5000)
    else if (status >= 500 || !answer) super('transient', 'The homeserver has a fault')
    else super(failure, words)
    this.code = code
  }
}
