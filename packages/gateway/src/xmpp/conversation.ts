import type { Jid } from '@parley/jid'
import { type Message, StanzaError } from '@parley/stanza'
import type { Network } from './network.ts'
import type { Registration } from './registration.ts'
import { inWords } from './words.ts'

/** Conversations that are under way; the oldest goes first. And how long one may pause (ms). */
const TALKING = 1000
const PAUSE = 10 * 60_000

/** What was answered so far. */
interface Talk {
  readonly values: Map<string, string>
  until: number
}

/** What a user says to the network's own address: the same as its commands, word by word, for clients without forms. */
export class Conversation {
  readonly #net: Network
  readonly #registration: Registration
  readonly #talks = new Map<string, Talk>()

  constructor(net: Network, registration: Registration) {
    this.#net = net
    this.#registration = registration
  }

  /** Whether what the user says next is a secret: it belongs into no archive and to no other client. */
  awaitsSecret(user: Jid): boolean {
    return this.#question(this.#talk(user))?.type === 'secret'
  }

  async receive(message: Message): Promise<void> {
    const text = message.textOf('body')?.trim() ?? ''
    // Answers to answers have no end.
    if (text === '' || message.type === 'error' || message.type === 'groupchat' || message.type === 'headline') return
    const user = message.from!.bare
    try {
      await this.#net.notice(user, await this.#answer(user, text))
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      this.#talks.delete(user.text)
      await this.#net.notice(user, error.text)
    }
  }

  async #answer(user: Jid, text: string): Promise<string> {
    const word = text.toLowerCase()
    const talk = this.#talk(user)
    if (talk && word === 'cancel') {
      this.#talks.delete(user.text)
      return 'Nothing was changed.'
    }
    if (talk) return this.#goOn(user, talk, text)
    switch (word) {
      case 'register':
        await this.#registration.check(user)
        return this.#ask(user, this.#begin(user))
      case 'unregister':
        await this.#registration.unregister(user)
        return `Your login for ${this.#net.title} is forgotten.`
      case 'reconnect':
        await this.#registration.reconnect(user)
        return `Connecting to ${this.#net.title}.`
      case 'status':
        return inWords(this.#registration.status(user))
      default:
        return 'I know these words: register, unregister, reconnect, status.'
    }
  }

  #goOn(user: Jid, talk: Talk, text: string): Promise<string> | string {
    const question = this.#question(talk)!
    // A word that leaves out what need not be there.
    talk.values.set(question.name, !question.required && text === '-' ? '' : text)
    return this.#ask(user, talk)
  }

  #ask(user: Jid, talk: Talk): Promise<string> | string {
    const question = this.#question(talk)
    if (question) return `${question.label}${question.required ? '?' : '? (- for none)'} You can also say "cancel".`
    this.#talks.delete(user.text)
    return this.#registration.register(user, name => talk.values.get(name))
  }

  #begin(user: Jid): Talk {
    const talk = { values: new Map<string, string>(), until: this.#now + PAUSE }
    this.#talks.set(user.text, talk)
    if (this.#talks.size > TALKING) this.#talks.delete(this.#talks.keys().next().value!)
    return talk
  }

  #talk(user: Jid): Talk | undefined {
    const talk = this.#talks.get(user.text)
    if (!talk || talk.until > this.#now) return talk
    this.#talks.delete(user.text)
    return undefined
  }

  #question(talk: Talk | undefined) {
    return talk && this.#registration.fields.find(({ name }) => !talk.values.has(name))
  }

  get #now(): number {
    return this.#net.house.clock.monotonic()
  }
}
