import { createHash } from 'node:crypto'
import {
  type Ack,
  AdapterError,
  type Context,
  type Event,
  type Listening,
  Once,
  type Outgoing,
  type Session,
} from '@parley/adapter'
import { canonical, localOf, nodeOf } from './address.ts'
import { compose } from './compose.ts'
import { type Conversation, Conversations } from './conversations.ts'
import { type Read, readMail } from './read.ts'
import { type Envelope, Receiver } from './receiver.ts'
import type { EmailSettings } from './settings.ts'
import { Smtp } from './smtp.ts'

/** Mail servers that hand over at once, and mails that go out at once. */
const CONNECTIONS = 50
const SENDING = 4
const SENDING_WAITS = 1000

/** Who a mail is for: by the token of a conversation, or by a plain address. */
interface Recipient {
  readonly user: string
  readonly conversation: Conversation | undefined
}

/** All mail of all users. */
export class EmailSession implements Session {
  readonly #context: Context<EmailSettings>
  readonly #conversations: Conversations
  readonly #receivers = new Set<Receiver<Recipient>>()
  readonly #sending = new Set<Smtp>()
  readonly #once = new Once()
  readonly #waiting: (() => void)[] = []
  #busy = 0
  #listening: Listening | undefined
  #state: 'new' | 'online' | 'over' = 'new'

  constructor(context: Context<EmailSettings>) {
    this.#context = context
    this.#conversations = new Conversations(context.kv)
  }

  async start(): Promise<void> {
    const { settings } = this.#context
    await this.ping()
    this.#listening = await this.#context.listen({
      host: settings.listenHost,
      port: settings.listenPort,
      transport: 'tcp',
      // Exim says QUIT behind the last mail, and with it that nothing more comes.
      halfOpen: true,
      connected: connection => {
        if (this.#state !== 'online' || this.#receivers.size >= CONNECTIONS) {
          connection.stream.on('error', () => {}).end('421 4.3.2 Too many at once\r\n')
          return
        }
        const receiver: Receiver<Recipient> = new Receiver(
          connection,
          {
            clock: this.#context.clock,
            name: this.#mailDomain,
            maxBytes: settings.maxBytes,
            recipient: address => this.#recipient(address),
            mail: (envelope, bytes) => this.#incoming(envelope, bytes),
          },
          () => this.#receivers.delete(receiver),
        )
        this.#receivers.add(receiver)
      },
    })
    if (this.#isOver) {
      await this.#listening.close()
      throw new AdapterError('transient', 'The session was stopped')
    }
    this.#state = 'online'
    this.#emit({ type: 'state', state: 'online', detail: `listening on port ${this.#listening.port}` })
  }

  async stop(): Promise<void> {
    this.#state = 'over'
    for (const receiver of [...this.#receivers]) receiver.end('421 4.3.2 Going down')
    for (const smtp of this.#sending) smtp.end(new AdapterError('transient', 'The gateway is going down'))
    for (const next of this.#waiting.splice(0)) next()
    await this.#listening?.close()
  }

  /** Whether the mail server that takes what goes out is there, and lets us in. */
  async ping(): Promise<void> {
    await this.#withServer(async () => {})
  }

  send(message: Outgoing): Promise<Ack> {
    return this.#once.run(message.key, () => this.#send(message))
  }

  async #send({ key, user, to, text, subject, replyTo }: Outgoing): Promise<Ack> {
    const peer = canonical(to.peer)
    if (peer === undefined || peer !== to.peer) throw new AdapterError('not-found', 'That is no address of mail')
    if (user === undefined) throw new AdapterError('unsupported', 'Nobody writes this')
    if (this.#waiting.length >= SENDING_WAITS) throw new AdapterError('limited', 'Too much is being sent', 60_000)
    const conversation = await this.#conversations.between(user, peer)
    const { last, token } = conversation
    const node = user.slice(0, Math.max(0, user.lastIndexOf('@')))
    const from = `${localOf(node).slice(0, 40)}+${token}@${this.#mailDomain}`
    // The same for each try, so that a mail that went out twice is one for whoever gets it.
    const id = `<${createHash('sha256').update(`${key} ${user} ${peer}`).digest('hex').slice(0, 32)}@${this.#mailDomain}>`
    const inReplyTo = replyTo ?? last?.id
    const references = last ? [...last.references.filter(each => each !== last.id), last.id] : []
    const about = subject ?? (last ? last.subject.replace(/^(?:re: ?)*/i, 'Re: ') : `Message from ${user}`)
    const at = this.#context.clock.now()
    const mail = { from, name: node, to: peer, subject: about, text, id, references, at }
    const data = compose(inReplyTo === undefined ? mail : { ...mail, inReplyTo })
    await this.#conversations.sent(user, peer, id, key)
    await this.#withServer(smtp => smtp.deliver(from, peer, data))
    return { id, at, level: 'sent' }
  }

  async #withServer(run: (smtp: Smtp) => Promise<void>): Promise<void> {
    const { settings, clock } = this.#context
    if (this.#busy >= SENDING) await new Promise<void>(free => this.#waiting.push(free))
    this.#busy++
    try {
      if (this.#isOver) throw new AdapterError('transient', 'The gateway is going down')
      const trustAnything = settings.trustAnything
      const security = settings.security
      const password = (await this.#context.secrets.get('password')) ?? settings.password
      const connection = await this.#context.connect({
        host: settings.host,
        port: settings.port,
        tls: security === 'tls',
        ...(trustAnything ? { trustAnything } : {}),
      })
      const name = this.#mailDomain
      const smtp = new Smtp(connection, { clock, name, security, trustAnything, username: settings.username, password })
      this.#sending.add(smtp)
      try {
        await smtp.greet()
        await run(smtp)
      } finally {
        this.#sending.delete(smtp)
        await smtp.quit()
      }
    } finally {
      this.#busy--
      this.#waiting.shift()?.()
    }
  }

  async #recipient(address: string): Promise<Recipient | undefined> {
    const id = canonical(address)
    const at = id?.lastIndexOf('@') ?? -1
    if (id === undefined || id.slice(at + 1) !== this.#mailDomain) return undefined
    const local = id.slice(0, at)
    const plus = local.lastIndexOf('+')
    if (plus !== -1) {
      const conversation = await this.#conversations.byToken(local.slice(plus + 1))
      return conversation && { user: conversation.user, conversation }
    }
    const node = this.#context.settings.open ? nodeOf(local) : undefined
    return node === undefined ? undefined : { user: `${node}@${this.#userDomain}`, conversation: undefined }
  }

  async #incoming({ from, recipients }: Envelope<Recipient>, bytes: Uint8Array): Promise<boolean> {
    const read = await readMail(from, bytes, this.#context.clock.now())
    if (!read) return false
    if (read.type === 'bounce') {
      // Only who had the address of the conversation can say so: reports come to it.
      if (read.final) for (const { conversation } of recipients) if (conversation) this.#bounced(conversation, read.ids)
      return true
    }
    // What this gateway has sent comes back: two gateways that answer one another (threat 157).
    if (read.from.endsWith(`@${this.#mailDomain}`)) return false
    if (read.type === 'automatic') {
      const text = `Automatic answer from ${read.from}: ${read.subject}\n${read.text}`
      for (const { user } of new Map(recipients.map(each => [each.user, each])).values())
        this.#emit({ type: 'notice', user, text })
      return true
    }
    const { verifier } = this.#context.settings
    if (verifier !== '' && !isGenuine(read.results, verifier)) return false
    for (const recipient of new Map(recipients.map(each => [each.user, each])).values())
      await this.#message(recipient, read)
    return true
  }

  /**
   * What a conversation's address gets comes from its other side, whatever the mail calls itself: who has the address was given
   * it, and a sender's name can be forged.
   */
  async #message({ user, conversation }: Recipient, read: Read & { readonly type: 'message' }): Promise<void> {
    const { from, id, at, subject, references, inReplyTo } = read
    const peer = conversation?.peer ?? from
    const text = peer === from ? read.text : `[from ${from}]\n${read.text}`
    const thread = references[0] ?? inReplyTo ?? id
    const more = { ...(inReplyTo && { replyTo: inReplyTo }), ...(subject && { subject }), thread }
    await this.#conversations.heard(user, peer, { id, subject, references }, () =>
      this.#emit({ type: 'message', user, peer, id, text, at, origin: 'remote', ...more }),
    )
  }

  #bounced(conversation: Conversation, ids: readonly string[]): void {
    const { user, sent } = conversation
    const found = sent.filter(({ id }) => ids.includes(id))
    const error = new AdapterError('not-found', `The mail to ${conversation.peer} could not be delivered`)
    for (const { key } of found) this.#emit({ type: 'bounced', user, key, error })
    if (found.length === 0) this.#emit({ type: 'notice', user, text: error.message })
  }

  /** Asked for where something was waited for: whoever stops a session does not wait. */
  get #isOver(): boolean {
    return this.#state === 'over'
  }

  get #mailDomain(): string {
    return (this.#context.settings.mailDomain || this.#context.domain).toLowerCase()
  }

  get #userDomain(): string {
    return this.#context.settings.userDomain || this.#context.domain.slice(this.#context.domain.indexOf('.') + 1)
  }

  #emit(event: Event): void {
    if (this.#state === 'online') this.#context.emit(event)
  }
}

/** Only the topmost word of the server itself counts: others may have been written by anybody (RFC 8601 § 5). */
function isGenuine(results: readonly string[], verifier: string): boolean {
  const own = results.find(each => each.trim().split(/[\s;]/, 1)[0]?.toLowerCase() === verifier.toLowerCase())
  return own !== undefined && own === results[0] && /;\s*dmarc=pass\b/i.test(own)
}
