import { Jid } from '@parley/jid'
import { type Advertised, decodePayload, type Exchange, SaslError, type Step, type Success } from '@parley/sasl'
import { NS } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import type { ClientStream } from '@xmpp/server-core'
import type { Authentication } from './authentication.ts'
import { isOneTooMany, type Refusals } from './sasl.ts'
import { type Extensions, type Login, SASL2, type Task } from './sasl2-extension.ts'

/** Where a stream is; each element of the client is right in one of these only. */
type State =
  | { readonly at: 'start' }
  | { readonly at: 'exchange'; readonly login: Login; readonly exchange: Exchange }
  /** `<continue/>` was sent: the first of these tasks is to be begun. */
  | { readonly at: 'choice'; readonly login: Login; readonly tasks: readonly Task[] }
  | { readonly at: 'task'; readonly login: Login; readonly tasks: readonly Task[] }

const START: State = { at: 'start' }
/** XEP-0388 §2.3 wants a UUID; nothing depends on that, only on its not being endless. */
const AGENT_LENGTH = 128

/** One stream's way through XEP-0388. Every misuse ends in `<failure/>` or, where the XEP wants it, with the stream. */
export class Negotiation {
  readonly #stream: ClientStream
  readonly #authentication: Authentication
  readonly #extensions: Extensions
  readonly #advertised: Advertised
  #state: State = START
  readonly refusals: Refusals

  constructor(
    stream: ClientStream,
    authentication: Authentication,
    extensions: Extensions,
    advertised: Advertised,
    refusals: Refusals,
  ) {
    this.#stream = stream
    this.#authentication = authentication
    this.#extensions = extensions
    this.#advertised = advertised
    this.refusals = refusals
  }

  async receive(element: Element): Promise<void> {
    // XEP-0388 §4.8: after success or continue, and while another login goes on, the stream ends.
    const busy = this.#state !== START || this.#authentication.isUnderWay(this.#stream)
    if (element.name === 'authenticate' && busy) return this.#stream.fail('policy-violation', 'One login at a time')
    try {
      await this.#step(element)
    } catch (error) {
      if (!(error instanceof SaslError)) throw error
      this.#refuse(error)
    }
  }

  #step(element: Element): Promise<void> {
    switch (element.name) {
      case 'authenticate':
        return this.#authenticate(element)
      case 'response':
        return this.#respond(element)
      case 'next':
        return this.#next(element)
      case 'task-data':
        return this.#taskData(element)
      case 'abort':
        throw new SaslError('aborted')
      default:
        throw unexpected()
    }
  }

  async #authenticate(request: Element): Promise<void> {
    const login = loginOf(this.#stream, request)
    this.#extensions.begin(login)
    const exchange = this.#authentication.begin(this.#stream, login.mechanism, this.#advertised, login.fast)
    this.#state = { at: 'exchange', login, exchange }
    // XEP-0388 §2.2: no element means no initial response, an empty one an empty response.
    const initial = request.textOf('initial-response')
    await this.#proceed(login, await exchange.step(initial === undefined ? undefined : payload(initial)))
  }

  async #respond(response: Element): Promise<void> {
    if (this.#state.at !== 'exchange') throw unexpected()
    const { login, exchange } = this.#state
    await this.#proceed(login, await exchange.step(payload(response.text())))
  }

  async #proceed(login: Login, step: Step): Promise<void> {
    if ('challenge' in step) {
      this.#stream.send(el('challenge', SASL2, null, step.challenge.toString('base64')))
      return
    }
    requireClaimed(this.#stream, step)
    login.success = step
    const tasks = await this.#extensions.tasks(login)
    const data = step.data && el('additional-data', SASL2, null, step.data.toString('base64'))
    if (tasks.length > 0) this.#offer(login, tasks, data)
    else await this.#succeed(login, data)
  }

  // ── tasks (XEP-0388 §2.6.3) ──

  #offer(login: Login, tasks: readonly Task[], data?: Element): void {
    this.#state = { at: 'choice', login, tasks }
    const first = el('task', SASL2, null, tasks[0]!.name)
    this.#stream.send(el('continue', SASL2, null, data, el('tasks', SASL2, null, first)))
  }

  async #next(next: Element): Promise<void> {
    if (this.#state.at !== 'choice') throw unexpected()
    const { login, tasks } = this.#state
    if (next.attrs['task'] !== tasks[0]!.name) throw new SaslError('malformed-request', 'not a task that was offered')
    this.#state = { at: 'task', login, tasks }
    this.#stream.send(el('task-data', SASL2, null, await tasks[0]!.begin(next)))
  }

  async #taskData(data: Element): Promise<void> {
    if (this.#state.at !== 'task') throw unexpected()
    const { login, tasks } = this.#state
    const more = await tasks[0]!.take(data)
    if (more) {
      this.#stream.send(el('task-data', SASL2, null, more))
      return
    }
    if (tasks.length > 1) return this.#offer(login, tasks.slice(1))
    await this.#authentication.confirm(this.#stream, login.success!)
    await this.#succeed(login)
  }

  // ── the end ──

  async #succeed(login: Login, data?: Element): Promise<void> {
    const stream = this.#stream
    const account = await this.#authentication.succeeded(stream, login.success!)
    this.#state = START
    const answers = await this.#extensions.finish(login)
    const identity = el('authorization-identifier', SASL2, null, (login.session?.jid ?? account).text)
    stream.send(el('success', SASL2, null, data, identity, answers))
    // XEP-0388 §2.6.1: features at once, without a new stream; XEP-0198 §9.2: none for a session that goes on.
    if (!login.resumed) await stream.offerFeatures()
    for (const task of login.behind) task()
    login.session?.uncork()
  }

  #refuse(error: SaslError): void {
    const exchange = this.#state.at === 'exchange' ? this.#state.exchange : undefined
    this.#authentication.failed(this.#stream, exchange, error)
    this.#state = START
    const said = error.message === error.condition ? undefined : el('text', SASL2, { 'xml:lang': 'en' }, error.message)
    this.#stream.send(el('failure', SASL2, null, el(error.condition, NS.sasl), said))
    // RFC 6120 §6.4.5
    if (isOneTooMany(this.refusals, error)) this.#stream.fail('policy-violation', 'Too many failed logins')
  }
}

function loginOf(stream: ClientStream, request: Element): Login {
  const agent = request.child('user-agent')?.attrs['id']
  if (agent !== undefined && (agent === '' || agent.length > AGENT_LENGTH)) {
    throw new SaslError('malformed-request', 'the id of the user agent is too long or empty')
  }
  return {
    stream,
    request,
    agent,
    mechanism: request.attrs['mechanism'] ?? '',
    fast: undefined,
    success: undefined,
    session: undefined,
    resumed: false,
    behind: [],
  }
}

/** XEP-0388 §2.3, §4.4: who named an account in the stream header must prove to be that one. */
function requireClaimed({ claimed }: ClientStream, { success, anonymous }: Success): void {
  if (anonymous || !claimed || claimed.local === '') return
  if (!claimed.bare.equals(Jid.of(success.user, success.host))) {
    throw new SaslError('invalid-authzid', 'not the account of the stream header')
  }
}

/** XEP-0388 §2.2: an empty element is an empty message, and "=" is no base64. */
function payload(text: string): Buffer {
  if (text === '=') throw new SaslError('incorrect-encoding', 'not valid base64')
  return decodePayload(text.trim())
}

function unexpected(): SaslError {
  return new SaslError('malformed-request', 'not expected now')
}
