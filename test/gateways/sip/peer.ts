import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket as Stream } from 'node:net'
import { Inbox } from './inbox.ts'

/** What a peer has received, as it stands on the wire. */
export interface Heard {
  readonly first: string
  readonly body: string
  readonly whole: string
  /** The first header of that name. */
  header(name: string): string
  /** Back to where it came from. */
  back(text: string): void
}

/** Somebody at far.example who speaks SIP over UDP, and hears it over TCP too where that is wanted, word by word. */
export class Peer {
  readonly port: number
  readonly #socket: Socket
  readonly #inbox = new Inbox<Heard>()
  readonly #to: number
  #count = 0
  /** Headers by which requests are answered by themselves: status of each method. */
  readonly answers = new Map<string, string>()
  /** Hears requests in place of `hears`. */
  serve: ((heard: Heard) => void) | undefined
  readonly #streams = new Set<Stream>()
  #door: Server | undefined
  /** The connection that what is said goes over, or the port that it is to be made to; absent: datagrams. */
  #line: Stream | number | undefined
  #frozen = false

  private constructor(socket: Socket, to: number) {
    this.#socket = socket
    this.port = socket.address().port
    this.#to = to
    socket.on('message', bytes => this.#hear(bytes.toString(), text => this.raw(text)))
  }

  /** @param to the port of the adapter @param from its own, or any */
  static async open(to: number, from = 0): Promise<Peer> {
    const socket = createSocket('udp4')
    socket.bind(from, '127.0.0.1')
    await once(socket, 'listening')
    return new Peer(socket, to)
  }

  /** From now on at the same port by TCP too: what no datagram holds. */
  async listens(): Promise<void> {
    this.#door = createServer(stream => this.#reads(stream)).listen(this.port, '127.0.0.1')
    await once(this.#door, 'listening')
  }

  /** From now on what is said goes over a connection to that port, which is made when something is said. */
  over(port: number): void {
    this.#line = port
  }

  /** From now on nothing is heard: who comes waits. */
  freeze(): void {
    this.#frozen = true
  }

  #reads(stream: Stream): void {
    this.#streams.add(stream)
    let rest = Buffer.alloc(0)
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const end = rest.indexOf('\r\n\r\n')
        const length = Number(/^content-length: *(\d+)/im.exec(rest.toString('latin1', 0, Math.max(end, 0)))?.[1] ?? 0)
        if (end === -1 || rest.length < end + 4 + length) return
        const whole = rest.toString('utf8', 0, end + 4 + length).trimStart()
        // An empty line is a sign of life.
        if (whole !== '') this.#hear(whole, text => stream.write(text))
        rest = rest.subarray(end + 4 + length)
      }
    })
  }

  async registers(name: string, registrar: number): Promise<void> {
    const address = `<sip:${name}@far.example>`
    this.request('REGISTER', {
      ...{ target: `sip:far.example`, From: `${address};tag=r1`, To: address, Expires: '600' },
      Contact: `<sip:${name}@127.0.0.1:${this.port}>`,
      Route: `<sip:127.0.0.1:${registrar};lr>`,
    })
    await this.hears('SIP/2.0 200')
  }

  /** RFC 3903: a tuple of this status, in place of what was published under that tag. Gives the next tag. */
  async publishes(status: string, etag: string): Promise<string> {
    this.request(
      'PUBLISH',
      {
        ...{ target: 'sip:romeo@far.example', To: '<sip:romeo@far.example>', Event: 'presence', Expires: '600' },
        'Content-Type': 'application/pidf+xml',
        ...(etag && { 'SIP-If-Match': etag }),
      },
      `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:romeo@far.example"><tuple id="t1"><status>${status}</status></tuple></presence>`,
    )
    return (await this.hears('SIP/2.0 200')).header('sip-etag')
  }

  /** All that was on its way before has been heard by both: each takes what comes in turn. */
  async turn(): Promise<void> {
    const callId = this.request('OPTIONS')
    await this.#inbox.next(`the answer to ${callId}`, heard => heard.header('call-id') === callId)
  }

  close(): void {
    this.#socket.close()
    for (const stream of this.#streams) stream.destroy()
    this.#door?.close()
  }

  #hear(whole: string, back: (text: string) => void): void {
    if (this.#frozen) return
    const end = whole.indexOf('\r\n\r\n')
    const head = whole.slice(0, end).split('\r\n')
    const heard: Heard = {
      first: head[0]!,
      body: whole.slice(end + 4),
      whole,
      header: name => {
        const line = head.find(one => one.toLowerCase().startsWith(`${name.toLowerCase()}:`))
        return line === undefined ? '' : line.slice(line.indexOf(':') + 1).trim()
      },
      back,
    }
    const status = this.answers.get(heard.first.split(' ')[0]!)
    if (status !== undefined) this.answer(heard, status)
    if (this.serve && !heard.first.startsWith('SIP/')) this.serve(heard)
    else this.#inbox.add(heard)
  }

  /** The next message whose first line begins so. */
  hears(start: string): Promise<Heard> {
    return this.#inbox.next(start, heard => heard.first.startsWith(start))
  }

  /** Those that nobody has asked for yet, answers left out. */
  requests(): Heard[] {
    return this.#inbox.left().filter(heard => !heard.first.startsWith('SIP/'))
  }

  /** Lines as they are; Content-Length and the empty line are added. */
  says(head: string, body = '', back = (text: string) => this.raw(text)): void {
    const lines = head
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '')
    back([...lines, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'))
  }

  raw(text: string): void {
    if (typeof this.#line === 'number') {
      this.#line = connect(this.#line, '127.0.0.1')
      this.#reads(this.#line)
    }
    if (this.#line) this.#line.write(text)
    else this.#socket.send(text, this.#to, '127.0.0.1')
  }

  /** A whole request; what is given is said instead, or beside. */
  request(method: string, more: Readonly<Record<string, string>> = {}, body = ''): string {
    const number = ++this.#count
    const headers: Record<string, string> = {
      Via: `SIP/2.0/${this.#line === undefined ? 'UDP' : 'TCP'} 127.0.0.1:${this.port};branch=z9hG4bK${this.port}x${number};rport`,
      'Max-Forwards': '70',
      From: '<sip:romeo@far.example>;tag=r0',
      To: '<sip:juliet@example.org>',
      'Call-ID': `call${number}@far.example`,
      CSeq: `${number} ${method}`,
      Contact: `<sip:romeo@127.0.0.1:${this.port}>`,
      ...more,
    }
    const { target = 'sip:juliet@example.org', ...rest } = headers
    const text = [
      `${method} ${target} SIP/2.0`,
      ...Object.entries(rest).map(([name, value]) => `${name}: ${value}`),
    ].join('\n')
    this.says(text, body)
    return headers['Call-ID']!
  }

  /** A MESSAGE of plain text. */
  writes(text: string, more: Readonly<Record<string, string>> = {}): string {
    return this.request('MESSAGE', { 'Content-Type': 'text/plain; charset=UTF-8', ...more }, text)
  }

  /** @param status `200 OK`, and headers of its own in further lines */
  answer(heard: Heard, status: string): void {
    const [first, ...more] = status.split('\n')
    const to = heard.header('to')
    const head = `SIP/2.0 ${first}
      ${heard.whole
        .split('\r\n')
        .filter(line => /^(?:via|record-route):/i.test(line))
        .join('\n')}
      From: ${heard.header('from')}
      To: ${/;tag=/.test(to) ? to : `${to};tag=far${this.port}`}
      Call-ID: ${heard.header('call-id')}
      CSeq: ${heard.header('cseq')}
      Contact: <sip:romeo@127.0.0.1:${this.port}>
      ${more.join('\n')}`
    this.says(head, '', heard.back)
  }
}
