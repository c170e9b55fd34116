import type { Ask } from './agent.ts'
import { formatAddress, parseAddress, parseSequence } from './fields.ts'
import type { Hop } from './hop.ts'
import type { Request, Response } from './message.ts'
import type { Extra } from './reply.ts'
import { token } from './token.ts'
import type { Uri } from './uri.ts'

/**
 * What begins a dialog goes the way that the operator has set; what follows goes to the first of the route that the dialog has,
 * or straight to where the other side says that it is (RFC 3261 §12.2.1.1).
 */
export type Way = (target: Uri, within: { readonly route: Uri | undefined } | undefined) => Hop

/** What two sides know of each other while a subscription lasts (RFC 3261 §12). */
export class Dialog {
  readonly callId: string
  readonly localTag: string
  readonly #local: string
  readonly #remote: string
  readonly #way: Way
  #remoteTag: string | undefined
  #target: Uri
  #targetText: string
  #routes: readonly string[] = []
  /** RFC 3261 §8.1.1.5: any number to begin with. */
  #sequence = 1
  #heard = -1

  private constructor(own: {
    callId: string
    localTag: string
    local: string
    remote: string
    target: Uri
    text: string
    way: Way
  }) {
    this.callId = own.callId
    this.localTag = own.localTag
    this.#local = own.local
    this.#remote = own.remote
    this.#target = own.target
    this.#targetText = own.text
    this.#way = own.way
  }

  /** One that we begin; it is none before the other side has said its tag. */
  static begun(local: string, remote: string, target: Uri, way: Way): Dialog {
    return new Dialog({ callId: token(16), localTag: token(8), local, remote, target, text: remote, way })
  }

  /** One that a request of the other side begins; undefined where it does not say where it is. */
  static heard(request: Request, way: Way): Dialog | undefined {
    const { headers } = request
    const contact = parseAddress(headers.get('contact') ?? '')
    const from = parseAddress(headers.get('from')!)
    const to = parseAddress(headers.get('to')!)
    if (!contact?.uri || !from || !to) return undefined
    const own = { callId: headers.get('call-id')!, localTag: token(8), local: to.target, remote: from.target }
    const dialog = new Dialog({ ...own, target: contact.uri, text: contact.target, way })
    dialog.#remoteTag = from.params.get('tag')
    dialog.#routes = headers.list('record-route')
    dialog.take(request)
    return dialog
  }

  get begunBefore(): boolean {
    return this.#remoteTag !== undefined
  }

  /** The answer to what began it: who is there, and how it is reached (§12.1.2). */
  answered(response: Response): void {
    this.#remoteTag ??= parseAddress(response.headers.get('to') ?? '')?.params.get('tag')
    if (response.headers.count('record-route') > 0) this.#routes = response.headers.list('record-route').reverse()
    this.#moved(response.headers.get('contact'))
  }

  /**
   * A request within it. False: it is of another dialog, or older than one that has come (§12.2.2). A NOTIFY may come before
   * the answer to the SUBSCRIBE (RFC 6665 §4.1.2.4), and then says the tag and the route.
   */
  take(request: Request): boolean {
    const tag = parseAddress(request.headers.get('from') ?? '')?.params.get('tag')
    const number = parseSequence(request.headers.get('cseq') ?? '')?.number ?? -1
    if (this.#remoteTag === undefined) {
      this.#remoteTag = tag
      this.#routes = request.headers.list('record-route')
    }
    if (tag !== this.#remoteTag || number <= this.#heard) return false
    this.#heard = number
    this.#moved(request.headers.get('contact'))
    return true
  }

  #moved(contact: string | undefined): void {
    const address = contact === undefined ? undefined : parseAddress(contact)
    if (!address?.uri) return
    this.#target = address.uri
    this.#targetText = address.target
  }

  ask(method: string, extra: Extra, body?: Ask['body']): Ask {
    const route = parseAddress(this.#routes[0] ?? '')?.uri
    return {
      method,
      target: this.#targetText,
      hop: this.#way(this.#target, this.begunBefore ? { route } : undefined),
      from: formatAddress(this.#local, new Map([['tag', this.localTag]])),
      to: formatAddress(this.#remote, this.#remoteTag === undefined ? undefined : new Map([['tag', this.#remoteTag]])),
      callId: this.callId,
      next: () => this.#sequence++,
      extra,
      routes: this.#routes,
      ...(body && { body }),
    }
  }
}
