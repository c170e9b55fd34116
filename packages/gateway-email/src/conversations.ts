import { createHash, randomBytes } from 'node:crypto'
import { Turns, type Vault } from '@parley/adapter'

/** What is known of one user and one address: kept, so that an answer after weeks still finds its way. */
export interface Conversation {
  readonly token: string
  /** Bare JID. */
  readonly user: string
  readonly peer: string
  /** The last mail that came: what the next one answers. */
  readonly last?: { readonly id: string; readonly subject: string; readonly references: readonly string[] }
  /** The last ones that went out, for what comes back. */
  readonly sent: readonly { readonly id: string; readonly key: string }[]
  /** Ids of the last ones that came: one whose answer was lost comes again (RFC 5321 § 6.1). */
  readonly heard?: readonly string[]
}

const DIGITS = 'abcdefghijklmnopqrstuvwxyz234567'
const SENT = 20
const HEARD = 20
const REFERENCES = 10

/**
 * Conversations by the token in their reply address (`romeo+token@…`). Nobody can guess one (80 bits): whoever writes to it has
 * had a mail from the user.
 */
export class Conversations {
  readonly #kv: Vault
  /** Changes one after another: there is one record for each. */
  readonly #turns = new Turns()

  constructor(kv: Vault) {
    this.#kv = kv
  }

  async byToken(token: string): Promise<Conversation | undefined> {
    if (!/^[a-z2-7]{16}$/.test(token)) return undefined
    const text = await this.#kv.get(`conversation ${token}`)
    return text === undefined ? undefined : (JSON.parse(text) as Conversation)
  }

  /** The conversation of the two, made where there is none. */
  async between(user: string, peer: string): Promise<Conversation> {
    return await this.#turns.run(() => this.#between(user, peer))
  }

  /** What has gone out. */
  async sent(user: string, peer: string, id: string, key: string): Promise<void> {
    await this.#turns.run(async () => {
      const conversation = await this.#between(user, peer)
      await this.#save({ ...conversation, sent: [...conversation.sent.slice(1 - SENT), { id, key }] })
    })
  }

  /**
   * What has come in.
   * @param tell called where it has not come before, and before it is kept that it has: rather twice than never
   */
  async heard(
    user: string,
    peer: string,
    { id, subject, references }: NonNullable<Conversation['last']>,
    tell: () => void,
  ): Promise<void> {
    await this.#turns.run(async () => {
      const conversation = await this.#between(user, peer)
      const heard = conversation.heard ?? []
      if (heard.includes(id)) return
      tell()
      const last = { id, subject, references: references.slice(-REFERENCES) }
      await this.#save({ ...conversation, last, heard: [...heard.slice(1 - HEARD), id] })
    })
  }

  async #between(user: string, peer: string): Promise<Conversation> {
    const name = `token ${createHash('sha256').update(`${user}\n${peer}`).digest('hex')}`
    const known = await this.#kv.get(name)
    const conversation = known === undefined ? undefined : await this.byToken(known)
    if (conversation) return conversation
    const token = [...randomBytes(16)].map(byte => DIGITS[byte % 32]).join('')
    const made: Conversation = { token, user, peer, sent: [] }
    await this.#save(made)
    await this.#kv.set(name, token)
    return made
  }

  async #save(conversation: Conversation): Promise<void> {
    await this.#kv.set(`conversation ${conversation.token}`, JSON.stringify(conversation))
  }
}
