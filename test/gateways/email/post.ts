import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Event } from '@parley/adapter'
import { type Break, Quiet } from '../kit/index.ts'

/** The mail server of verona.test: takes what is for those whom it knows, and hands over what they write until it is taken. */
export class PostOffice {
  readonly people = new Map<string, MailPerson>()
  /** When the connections of the next mails of each way break: in the midst of the mail, or when it is taken and nobody has heard so. */
  readonly breaks = { out: [] as Break[], in: [] as Break[] }
  readonly #server: Server
  readonly #gateway: number
  readonly #sockets = new Set<Socket>()
  #turn = Promise.resolve()
  #closed = false

  private constructor(server: Server, gateway: number) {
    this.#server = server
    this.#gateway = gateway
    server.on('connection', socket => this.#serve(socket))
  }

  static async open(gateway: number): Promise<PostOffice> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new PostOffice(server, gateway)
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  /** One after another, each until it is taken. */
  hand(from: string, to: string, mail: string): void {
    this.#turn = this.#turn.then(async () => {
      while (!this.#closed && !(await this.#try(from, to, mail))) await new Promise(resolve => setTimeout(resolve, 20))
    })
  }

  close(): void {
    this.#closed = true
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  async #try(from: string, to: string, mail: string): Promise<boolean> {
    const socket = connect(this.#gateway, '127.0.0.1').setEncoding('utf8')
    this.#sockets.add(socket)
    const steps = ['EHLO mx.verona.test', `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA', `${mail}\r\n.`]
    const broken = this.breaks.in.shift()
    let taken = false
    let rest = ''
    socket.on('error', () => {})
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (line[3] === '-') continue
        const next = /^[23]/.test(line) ? steps.shift() : undefined
        const isLast = steps.length === 0
        if (isLast && broken === (next === undefined ? 'after' : 'before')) {
          if (next !== undefined) socket.write(next.slice(0, next.length / 2))
          socket.destroySoon()
          return
        }
        taken ||= line.startsWith('250') && isLast && next === undefined
        socket.write(`${next ?? 'QUIT'}\r\n`)
        if (next === undefined) socket.end()
      }
    })
    await new Promise(resolve => socket.once('close', resolve))
    this.#sockets.delete(socket)
    return taken
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    let person: MailPerson | undefined
    let mail: string[] | undefined
    let rest = ''
    const answer = (line: string): string | undefined => {
      if (mail && line !== '.') {
        mail.push(line.startsWith('.') ? line.slice(1) : line)
        return undefined
      }
      if (mail) {
        const broken = this.breaks.out.shift()
        if (broken !== 'before') person?.gets(mail.join('\r\n'))
        if (broken) socket.destroy()
        mail = undefined
        return '250 2.6.0 taken'
      }
      if (line.startsWith('RCPT')) {
        person = this.people.get(/<([^>]*)>/.exec(line)?.[1] ?? '')
        return person ? '250 2.1.5 ok' : '550 5.1.1 nobody of that name'
      }
      if (line === 'DATA') mail = []
      return line === 'DATA' ? '354 go on' : line === 'QUIT' ? '221 2.0.0 bye' : '250 2.0.0 ok'
    }
    socket.setEncoding('utf8').on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    socket.write('220 mx.verona.test\r\n')
    socket.on('data', (chunk: Buffer | string) => {
      const lines = (rest + String(chunk)).split('\r\n')
      rest = lines.pop()!
      for (const line of lines) {
        const said = answer(line)
        if (said !== undefined && !socket.destroyed) socket.write(`${said}\r\n`)
      }
    })
  }
}

/** Somebody with a mailbox, and a program that answers to the address that it was written from. */
export class MailPerson extends Quiet {
  readonly id: string
  readonly told: Event[] = []
  readonly #office: PostOffice
  readonly #addresses = new Map<string, string>()

  constructor(office: PostOffice, name: string) {
    super()
    this.#office = office
    this.id = `${name}@verona.test`
    office.people.set(this.id, this)
  }

  async says(to: string, text: string, replyTo?: string): Promise<string> {
    const id = `<${randomBytes(8).toString('hex')}@verona.test>`
    const address = this.#addresses.get(to) ?? to
    const fields = [`From: <${this.id}>`, `To: <${address}>`, `Message-ID: ${id}`, `Date: ${new Date().toUTCString()}`]
    if (replyTo !== undefined) fields.push(`In-Reply-To: ${replyTo}`)
    fields.push('MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64')
    const body =
      Buffer.from(text)
        .toString('base64')
        .match(/.{1,76}/g) ?? []
    this.#office.hand(this.id, address, [...fields, '', ...body].join('\r\n'))
    return id
  }

  gets(mail: string): void {
    const end = mail.indexOf('\r\n\r\n')
    const head = mail.slice(0, end).replace(/\r\n[ \t]+/g, ' ')
    const field = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim()
    const body = mail.slice(end + 4)
    const isEncoded = field('Content-Transfer-Encoding') === 'base64'
    const text = isEncoded ? Buffer.from(body, 'base64').toString('utf8') : body
    const from = /<([^>]+)>/.exec(field('From') ?? '')?.[1] ?? ''
    // Each conversation has an address, in which the user's name stands before the sign.
    const peer = from.replace(/\+[^@]*/, '')
    this.#addresses.set(peer, from)
    const replyTo = field('In-Reply-To')
    const more = { ...(replyTo !== undefined && { replyTo }), id: field('Message-ID')! }
    this.told.push({ type: 'message', text: text.replaceAll('\r\n', '\n'), origin: 'remote', peer, ...more })
  }
}
