import { randomBytes } from 'node:crypto'
import type { Jid } from '@parley/jid'
import { commandAnswer, commandInfo, commandsInfo, onlyStage } from '@parley/modules'
import { NS, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type IqRoute, iqSet, type Request } from '@xmpp/server-core'
import type { Network } from './network.ts'
import { loginForm, valuesIn } from './registering.ts'
import type { Registration } from './registration.ts'
import { inWords } from './words.ts'

const NODE = 'urn:parley:gateway:'
const NAMES: ReadonlyMap<string, string> = new Map([
  ['register', 'Log in'],
  ['unregister', 'Forget the login'],
  ['reconnect', 'Connect again'],
  ['status', 'Show the connection'],
])

/** What a user does with a network, as commands (XEP-0050). */
export class Commands {
  readonly #net: Network
  readonly #registration: Registration

  constructor(net: Network, registration: Registration) {
    this.#net = net
    this.#registration = registration
  }

  get routes(): IqRoute[] {
    return [iqSet('host', NS.commands, 'command', request => this.#run(request))]
  }

  info(node: string): Element {
    if (node === NS.commands) return commandsInfo()
    return commandInfo(this.#name(node), node)
  }

  list({ to }: Request): Element {
    const items = this.#net.federated
      ? []
      : [...NAMES].map(([node, name]) => el('item', NS.discoItems, { jid: to, node: NODE + node, name }))
    return el('query', NS.discoItems, { node: NS.commands }, items)
  }

  #name(node: string): string {
    const name = node.startsWith(NODE) ? NAMES.get(node.slice(NODE.length)) : undefined
    if (name === undefined || this.#net.federated)
      throw new StanzaError('item-not-found', 'This network has no such command')
    return name
  }

  async #run({ from, payload }: Request): Promise<Element> {
    const { node = '', action = 'execute', sessionid } = payload.attrs
    this.#name(node)
    const id = sessionid ?? randomBytes(16).toString('base64url')
    if (action === 'cancel') return commandAnswer(node, id, 'canceled')
    const user = from.bare
    if (node === `${NODE}register`) return this.#register(user, node, id, payload.child('x', NS.dataForms))
    return commandAnswer(
      node,
      id,
      'completed',
      el('note', NS.commands, { type: 'info' }, await this.#words(user, node)),
    )
  }

  /** The form first, then what was filled in. */
  async #register(user: Jid, node: string, id: string, x: Element | undefined): Promise<Element> {
    const current = await this.#registration.current(user)
    if (!x) {
      if (!current) await this.#registration.check(user)
      return commandAnswer(node, id, 'executing', onlyStage(), loginForm(this.#registration, current).toElement())
    }
    const text = await this.#registration.register(user, valuesIn(x))
    return commandAnswer(node, id, 'completed', el('note', NS.commands, { type: 'info' }, text))
  }

  async #words(user: Jid, node: string): Promise<string> {
    switch (node.slice(NODE.length)) {
      case 'unregister':
        await this.#registration.unregister(user)
        return `Your login for ${this.#net.title} is forgotten.`
      case 'reconnect':
        await this.#registration.reconnect(user)
        return `Connecting to ${this.#net.title}.`
      default:
        if (!(await this.#registration.current(user)))
          throw new StanzaError('registration-required', 'You have no login here to show')
        return inWords(this.#registration.status(user))
    }
  }
}
