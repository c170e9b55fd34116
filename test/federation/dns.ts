import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'

export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | {
      readonly type: 'SRV'
      readonly priority: number
      readonly weight: number
      readonly port: number
      readonly target: string
    }
  | {
      readonly type: 'TLSA'
      readonly usage: number
      readonly selector: number
      readonly matching: number
      readonly data: Buffer
    }

const TYPES = { A: 1, AAAA: 28, SRV: 33, TLSA: 52 } as const
const CLASS_IN = 1
const NAME_ERROR = 3
/** Answer, authoritative, recursion available, authenticated: as a server says that validates DNSSEC. */
const FLAGS = 0x85a0
/** A pointer to the name of the question, which begins behind the header of 12 bytes. */
const ASKED_NAME = Buffer.from([0xc0, 12])

/** A name server that knows the domains of a play and nothing else. It answers over UDP, and never longer than 512 bytes. */
export class NameServer {
  readonly address: string
  readonly port: number
  readonly #socket: Socket
  readonly #records: Map<string, readonly DnsRecord[]>

  private constructor(socket: Socket, records: Map<string, readonly DnsRecord[]>) {
    this.#socket = socket
    this.#records = records
    ;({ address: this.address, port: this.port } = socket.address())
  }

  static async open(address = '127.0.0.1', port = 0): Promise<NameServer> {
    const socket = createSocket('udp4')
    const records = new Map<string, readonly DnsRecord[]>()
    socket.on('message', (message, from) => reply(socket, records, message, from))
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(port, address, resolve)
    })
    return new NameServer(socket, records)
  }

  /** From now on these are all the records of a name; none: the name is not known. */
  set(name: string, ...records: readonly DnsRecord[]): void {
    if (records.length === 0) this.#records.delete(name)
    else this.#records.set(name, records)
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#socket.close(() => resolve()))
  }
}

function reply(
  socket: Socket,
  records: ReadonlyMap<string, readonly DnsRecord[]>,
  message: Buffer,
  from: RemoteInfo,
): void {
  const question = readQuestion(message)
  if (!question) return
  const known = records.get(question.name)
  const answers = (known ?? []).filter(({ type }) => TYPES[type] === question.type)
  const header = Buffer.alloc(12)
  message.copy(header, 0, 0, 2)
  header.writeUInt16BE(FLAGS | (known ? 0 : NAME_ERROR), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(answers.length, 6)
  socket.send(Buffer.concat([header, question.bytes, ...answers.map(encode)]), from.port, from.address)
}

function readQuestion(message: Buffer): { name: string; type: number; bytes: Buffer } | undefined {
  if (message.length < 17 || message.readUInt16BE(4) !== 1) return undefined
  const labels: string[] = []
  let at = 12
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
    if (at + 5 > message.length) return undefined
  }
  const bytes = message.subarray(12, at + 5)
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), bytes }
}

function encode(record: DnsRecord): Buffer {
  const data = dataOf(record)
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(TYPES[record.type], 0)
  fixed.writeUInt16BE(CLASS_IN, 2)
  // One second: what a play changes is seen soon.
  fixed.writeUInt32BE(1, 4)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([ASKED_NAME, fixed, data])
}

function dataOf(record: DnsRecord): Buffer {
  switch (record.type) {
    case 'A':
      return Buffer.from(record.address.split('.').map(Number))
    case 'AAAA':
      return ipv6(record.address)
    case 'SRV':
      return Buffer.concat([numbers(record.priority, record.weight, record.port), nameOf(record.target)])
    case 'TLSA':
      return Buffer.concat([Buffer.from([record.usage, record.selector, record.matching]), record.data])
  }
}

function nameOf(name: string): Buffer {
  const labels = name.split('.').filter(label => label !== '')
  return Buffer.concat([
    ...labels.map(label => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.of(0),
  ])
}

function ipv6(address: string): Buffer {
  const [left = '', right] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16)))
  const [before, after] = [groups(left), groups(right ?? '')]
  const zeros = right === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => 0)
  return numbers(...before, ...zeros, ...after)
}

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, 2 * index)
  return bytes
}
