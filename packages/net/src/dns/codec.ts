import { isIPv4, isIPv6 } from 'node:net'
import packet, { type Answer as PacketAnswer } from 'dns-packet'
import { plainName, type RecordOf, type RecordType } from './records.ts'

/** What always arrives in one piece (RFC 9715 §3.1): larger answers come over TCP. */
const UDP_SIZE = 1232
/** Records of an answer that are looked at; signatures (RRSIG) stand among them. Nobody is reached better by more. */
const MAX_ANSWERS = 128
/** The authority section of a denial: a SOA record, proofs and their signatures. */
const MAX_AUTHORITIES = 16
/** A header and a question: 12 bytes, a name of 255, type and class. */
const HEAD_SIZE = 271

export interface Question {
  readonly id: number
  readonly name: string
  readonly type: RecordType
  /** Ask with EDNS0 and DO (RFC 6891, RFC 4035 §3.2.1); very old servers do not understand it. */
  readonly isExtended: boolean
}

/** A record that somebody may follow. */
export type Resource = {
  readonly [T in RecordType]: {
    readonly type: T
    readonly name: string
    readonly ttl: number
    readonly data: RecordOf[T]
  }
}[RecordType]

export interface Alias {
  readonly name: string
  readonly ttl: number
  readonly target: string
}

export interface Reply {
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL` …; `MALFORMED` for what nobody can read. */
  readonly rcode: string
  readonly isTruncated: boolean
  /** AD (RFC 4035 §3.2.3): worth as much as the server and the way to it. */
  readonly isAuthentic: boolean
  readonly records: readonly Resource[]
  readonly aliases: readonly Alias[]
  /** How long a denial holds, in seconds (RFC 2308 §5); undefined where nothing says so. */
  readonly denialTtl: number | undefined
}

export function encodeQuestion({ id, name, type, isExtended }: Question): Buffer {
  return packet.encode({
    type: 'query',
    id,
    flags: packet.RECURSION_DESIRED | packet.AUTHENTIC_DATA,
    questions: [{ name, type, class: 'IN' }],
    additionals: isExtended
      ? [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: UDP_SIZE,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: packet.DNSSEC_OK,
            flag_do: true,
            options: [],
          },
        ]
      : [],
  })
}

/** Reads the answer to a question; undefined for anything else, which may be a stranger's guess (RFC 5452 §9.1). */
export function decodeReply(bytes: Buffer, question: Question): Reply | undefined {
  const head = decode(bytes.subarray(0, HEAD_SIZE), { answers: 0, authorities: 0 })
  if (head?.type !== 'response' || head.id !== question.id || head.opcode !== 'QUERY') return undefined
  const [asked] = head.questions ?? []
  // Who does not understand a question may leave it out of the answer.
  const isEcho = asked
    ? asked.type === question.type && plainName(asked.name) === question.name
    : head.rcode === 'FORMERR'
  if (!isEcho) return undefined
  const reply = { rcode: head.rcode, isTruncated: head.flag_tc, isAuthentic: head.flag_ad, records: [], aliases: [] }
  if (reply.isTruncated) return { ...reply, denialTtl: undefined }

  const counts = { answers: bytes.readUInt16BE(6), authorities: bytes.readUInt16BE(8) }
  // The sections come one behind another: an answer that is cut hides what is behind it.
  const isCut = counts.answers > MAX_ANSWERS
  const body = decode(bytes, {
    answers: Math.min(counts.answers, MAX_ANSWERS),
    authorities: isCut ? 0 : Math.min(counts.authorities, MAX_AUTHORITIES),
  })
  if (!body) return { ...reply, rcode: 'MALFORMED', denialTtl: undefined }
  return { ...reply, ...sortAnswers(body.answers ?? []), denialTtl: denialTtl(body.authorities ?? []) }
}

/** Decodes a packet as if it held so many records: what it costs does not depend on who wrote it. */
function decode(bytes: Buffer, counts: { answers: number; authorities: number }) {
  if (bytes.length < 12 || bytes.readUInt16BE(4) > 1) return undefined
  const cut = Buffer.from(bytes)
  cut.writeUInt16BE(counts.answers, 6)
  cut.writeUInt16BE(counts.authorities, 8)
  cut.writeUInt16BE(0, 10)
  try {
    return packet.decode(cut) as ReturnType<typeof packet.decode> & { rcode: string; opcode: string }
  } catch {
    return undefined
  }
}

function sortAnswers(answers: readonly PacketAnswer[]): { records: Resource[]; aliases: Alias[] } {
  const records: Resource[] = []
  const aliases: Alias[] = []
  for (const answer of answers) {
    if (!('class' in answer) || answer.class !== 'IN') continue
    const name = plainName(answer.name)
    const ttl = answer.ttl ?? 0
    if (answer.type === 'CNAME') aliases.push({ name, ttl, target: plainName(answer.data) })
    else if (answer.type === 'A' && isIPv4(answer.data)) records.push({ type: 'A', name, ttl, data: answer.data })
    else if (answer.type === 'AAAA' && isIPv6(answer.data)) records.push({ type: 'AAAA', name, ttl, data: answer.data })
    else if (answer.type === 'SRV') {
      const { priority = 0, weight = 0, port, target } = answer.data
      records.push({ type: 'SRV', name, ttl, data: { priority, weight, port, target: plainName(target) } })
    } else if (answer.type === 'TLSA') {
      const { usage, selector, matchingType, certificate } = answer.data
      // A copy: the packet need not stay as long as the record.
      const data = { usage, selector, matching: matchingType, data: Buffer.from(certificate) }
      records.push({ type: 'TLSA', name, ttl, data })
    }
  }
  return { records, aliases }
}

function denialTtl(authorities: readonly PacketAnswer[]): number | undefined {
  for (const authority of authorities) {
    if (authority.type === 'SOA') return Math.min(authority.ttl ?? 0, authority.data.minimum ?? 0)
  }
  return undefined
}
