import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import packet, { type Answer, type DecodedPacket, type StringAnswer } from 'dns-packet'

/** What the server does with questions, besides answering them. */
export interface DnsBehaviour {
  /** Says nothing. */
  readonly drop?: boolean
  /** Answers after so many milliseconds. */
  readonly delay?: number
  /** Answers over UDP that the answer does not fit; it always does so where that is true. */
  readonly truncate?: boolean
  /** `SERVFAIL`, `REFUSED`, `FORMERR`. */
  readonly rcode?: string
  /** Whether AD is set. */
  readonly secure?: boolean
  /** Writes the answer itself: whole packets, none, one or more of them. */
  readonly write?: (reply: Buffer, question: DecodedPacket, from: Asker) => readonly Buffer[]
}

/** Where a question came from. */
export interface Asker {
  readonly address: string
  readonly port: number
}

export interface DnsQuestion {
  readonly name: string
  readonly type: string
  readonly over: 'udp' | 'tcp'
}

/** What fits into an answer over UDP where the question does not say. */
const PLAIN_SIZE = 512
const RCODES: Readonly<Record<string, number>> = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
}
type Srv = { readonly port: number; readonly target: string; readonly priority?: number; readonly weight?: number }
type Tlsa = { readonly usage: number; readonly selector: number; readonly matching: number; readonly data: Buffer }

/**
 * A small name server on loopback, over UDP and TCP on one port, that knows what a test tells it.
 *
 *     const dns = await DnsServer.start()
 *     dns.srv('_xmpp-server._tcp.a.test', { port: 5269, target: 'xmpp.a.test' })
 *     dns.a('xmpp.a.test', '127.0.0.1')
 *     new Resolver({ servers: [dns.address], clock })
 */
export class DnsServer {
  /** With its port, as resolvers take it. */
  readonly address: string
  /** What was asked, in order. */
  readonly asked: DnsQuestion[] = []
  /** AD, where nothing else is said. */
  secure = false
  /** Seconds. */
  ttl = 60
  readonly #records = new Map<string, Answer[]>()
  readonly #behaviours = new Map<string, DnsBehaviour>()
  readonly #udp: UdpSocket
  readonly #tcp: Server
  readonly #sockets = new Set<Socket>()
  readonly #timers = new Set<NodeJS.Timeout>()

  private constructor(udp: UdpSocket, tcp: Server) {
    const { address, port } = tcp.address() as AddressInfo
    this.address = `${address}:${port}`
    this.#udp = udp
    this.#tcp = tcp
    udp.on('message', (bytes, from) => {
      this.#answer(bytes, 'udp', from, reply => udp.send(reply, from.port, from.address, () => {}))
    })
    tcp.on('connection', socket => this.#serve(socket))
  }

  static async start(): Promise<DnsServer> {
    for (;;) {
      const tcp = createServer().listen(0, '127.0.0.1')
      await once(tcp, 'listening')
      const udp = createSocket('udp4')
      udp.bind((tcp.address() as AddressInfo).port, '127.0.0.1')
      try {
        await once(udp, 'listening')
        return new DnsServer(udp, tcp)
      } catch {
        // Somebody has that port over UDP.
        tcp.close()
      }
    }
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    for (const socket of this.#sockets) socket.destroy()
    this.#udp.close()
    this.#tcp.close()
    await once(this.#tcp, 'close')
  }

  srv(name: string, ...records: readonly Srv[]): void {
    for (const data of records) this.#add({ type: 'SRV', name, data: { priority: 0, weight: 0, ...data } })
  }

  a(name: string, ...addresses: readonly string[]): void {
    for (const data of addresses) this.#add({ type: 'A', name, data })
  }

  aaaa(name: string, ...addresses: readonly string[]): void {
    for (const data of addresses) this.#add({ type: 'AAAA', name, data })
  }

  cname(name: string, target: string): void {
    this.#add({ type: 'CNAME', name, data: target })
  }

  tlsa(name: string, ...records: readonly Tlsa[]): void {
    for (const { matching, data, ...rest } of records) {
      this.#add({ type: 'TLSA', name, data: { ...rest, matchingType: matching, certificate: data } })
    }
  }

  /** Forgets what it knows of a name. */
  forget(name: string): void {
    this.#records.delete(name.toLowerCase())
  }

  /** Behaves as it did before it was told otherwise. */
  behavesAgain(name: string, type = '*'): void {
    this.#behaviours.delete(`${type} ${name.toLowerCase()}`)
  }

  /** How it behaves when it is asked for a name, `*` for any; for one type of records, or for all. */
  behaves(name: string, behaviour: DnsBehaviour, type = '*'): void {
    this.#behaviours.set(`${type} ${name.toLowerCase()}`, behaviour)
  }

  /** How often it was asked for a name. */
  countOf(name: string, type?: string): number {
    return this.asked.filter(each => each.name === name && (type === undefined || each.type === type)).length
  }

  #add(record: Answer): void {
    const name = record.name.toLowerCase()
    const records = this.#records.get(name) ?? []
    records.push({ ...record, ttl: this.ttl, class: 'IN' } as Answer)
    this.#records.set(name, records)
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    const from = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    let bytes = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
        const end = 2 + bytes.readUInt16BE(0)
        this.#answer(bytes.subarray(2, end), 'tcp', from, reply => {
          const length = Buffer.alloc(2)
          length.writeUInt16BE(reply.length)
          socket.write(Buffer.concat([length, reply]))
        })
        bytes = bytes.subarray(end)
      }
    })
  }

  #answer(bytes: Buffer, over: 'udp' | 'tcp', from: Asker, send: (reply: Buffer) => void): void {
    const query = packet.decode(bytes)
    const question = query.questions?.[0]
    if (!question) return
    const name = question.name.toLowerCase()
    this.asked.push({ name, type: question.type, over })
    const behaviour = this.#behaviourOf(name, question.type)
    if (behaviour.drop) return
    const reply = this.#reply(query, name, question.type, over, behaviour)
    const replies = behaviour.write?.(reply, query, from) ?? [reply]
    const answer = () => {
      for (const each of replies) send(each)
    }
    if (behaviour.delay === undefined) {
      answer()
      return
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      answer()
    }, behaviour.delay)
    this.#timers.add(timer)
  }

  #behaviourOf(name: string, type: string): DnsBehaviour {
    const keys = [`${type} ${name}`, `* ${name}`, `${type} *`, '* *']
    return keys.map(key => this.#behaviours.get(key)).find(each => each !== undefined) ?? {}
  }

  #reply(
    query: DecodedPacket,
    name: string,
    type: string,
    over: 'udp' | 'tcp',
    { rcode, secure = this.secure, truncate = false }: DnsBehaviour,
  ): Buffer {
    const { answers, exists } = this.#find(name, type)
    const code = rcode ?? (exists ? 'NOERROR' : 'NXDOMAIN')
    const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | (secure ? packet.AUTHENTIC_DATA : 0)
    const write = (given: Answer[], more = 0) =>
      packet.encode({
        type: 'response',
        id: query.id ?? 0,
        flags: flags | more | (RCODES[code] ?? 0),
        questions: query.questions ?? [],
        answers: given,
        authorities: given.length === 0 && rcode === undefined && more === 0 ? [this.#soa(name)] : [],
      })
    const whole = write(rcode === undefined ? answers : [])
    const option = query.additionals?.find(each => each.type === 'OPT')
    const room = option && 'udpPayloadSize' in option ? option.udpPayloadSize : PLAIN_SIZE
    const fits = over === 'tcp' || (!truncate && whole.length <= room)
    return fits ? whole : write([], packet.TRUNCATED_RESPONSE)
  }

  /** The records of a name with the aliases on the way, as servers answer that do the work for others. */
  #find(start: string, type: string): { answers: Answer[]; exists: boolean } {
    const answers: Answer[] = []
    let name = start
    for (let hops = 0; ; hops++) {
      const records = this.#records.get(name) ?? []
      const found = records.filter(each => each.type === type)
      const alias = records.find((each): each is StringAnswer => each.type === 'CNAME')
      answers.push(...found)
      if (found.length > 0 || !alias || hops === 20) return { answers, exists: records.length > 0 || hops > 0 }
      answers.push(alias)
      name = alias.data.toLowerCase()
    }
  }

  #soa(name: string): Answer {
    const data = {
      mname: 'ns.test',
      rname: 'admin.test',
      serial: 1,
      refresh: 60,
      retry: 60,
      expire: 60,
      minimum: this.ttl,
    }
    return { type: 'SOA', name, ttl: this.ttl, class: 'IN', data }
  }
}
