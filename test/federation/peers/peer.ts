import type { CertificateKind } from '../ca.ts'
import type { Doors, World } from '../world.ts'

export const PEERS = ['prosody', 'ejabberd', 'jabberd2', 'parley'] as const
export type PeerName = (typeof PEERS)[number]

/** How a server meets others. */
export interface Policy {
  /** Whether streams between servers must, may or cannot be protected. */
  readonly tls: 'required' | 'optional' | 'off'
  /** Whether it has a door that speaks TLS from the first byte, which DNS then names before the other one. */
  readonly directTls: boolean
  /** What proves who a server is: its certificate only, the other server's word only, or the certificate first. */
  readonly proof: 'external' | 'dialback' | 'both'
  /** Streams for both directions (XEP-0288). */
  readonly bidi: boolean
  /** Acknowledgements between servers (XEP-0198). */
  readonly acknowledged: boolean
  /** Nobody vouches for its certificate but TLSA records (RFC 7673). */
  readonly dane: boolean
  /** Messages are archived. */
  readonly archive: boolean
  /** How long messages wait for a server that cannot be reached, as `2m`; who has no such setting does as it always does. */
  readonly patience: string
}

export interface Options extends Partial<Policy> {
  /** The core that its processes are held on; absent: any. */
  readonly core?: number | undefined
  readonly certificate?: CertificateKind
  /** More domains of the same process, by the labels that stand before the first one, each with a certificate of its own. */
  readonly more?: Readonly<Record<string, CertificateKind>>
}

export const DEFAULT_POLICY: Policy = {
  tls: 'required',
  directTls: false,
  proof: 'external',
  bidi: false,
  acknowledged: false,
  dane: false,
  archive: true,
  // What cannot be delivered is to be told at once.
  patience: '0s',
}

export function policyOf({ certificate: _, more: __, core: ___, ...policy }: Options): Policy {
  return { ...DEFAULT_POLICY, ...policy }
}

/** Who has no other proof than dialback has a certificate that nobody believes. */
export function certificateOf({ certificate, proof, dane }: Options): CertificateKind {
  return certificate ?? (proof === 'dialback' || dane ? 'self-signed' : 'good')
}

/** `tls`: protected, in whatever way; `direct`: from the first byte; `sm`: acknowledged; `open`: stanzas may come. */
export type Fact = 'tls' | 'direct' | 'EXTERNAL' | 'dialback' | 'bidi' | 'sm' | 'open'

/** The domains beside the first one. */
export function moreDomains(domain: string, { more = {} }: Options): [name: string, kind: CertificateKind][] {
  return Object.entries(more).map(([label, kind]) => [`${label}.${domain}`, kind])
}

/** What a server says of one of its streams to or from another domain. */
export interface Link {
  readonly direction: 'in' | 'out'
  /** The domain on this side, and the one on the other. */
  readonly here: string
  readonly there: string
  readonly fact: Fact
}

/** A server that runs. What it is asked for is the same for all of them. */
export interface Server {
  readonly peer: PeerName
  readonly domain: string
  readonly doors: Doors
  /** Its service for rooms; undefined where it has none. */
  readonly rooms: string | undefined
  /** Its processes, without their children. */
  readonly pids: readonly number[]
  /** All that it has said so far of its streams. */
  links(): readonly Link[]
  /** The end of its log. */
  lastWords(): string
  stop(): Promise<void>
  /** Ends it without a word to anybody. */
  kill(): Promise<void>
  /** Starts it again, after `stop` or `kill`, with the data it had. */
  restart(): Promise<void>
}

/** A program that can be such a server. */
export interface Peer {
  readonly name: PeerName
  /** Why it cannot be started on this machine; undefined where it can. */
  missing(): string | undefined
  /** What of this it cannot do, in words; undefined where it can do all. */
  cannot(options: Options): string | undefined
  /** Kinds of certificates that are proof for it: of who opens a stream to it, and of whom it opens one to. */
  readonly believes: { readonly in: readonly CertificateKind[]; readonly out: readonly CertificateKind[] }
  /** Kinds of certificates that make it give up, whatever it is told to allow, when who opens a stream shows them. */
  readonly chokes: readonly CertificateKind[]
  /** Kinds of certificates that it cannot be told to show; it shows another one, or none. */
  readonly hides: readonly CertificateKind[]
  /** What plays ask for, by their names, and it does not have: the reason. */
  readonly lacks: Readonly<Record<string, string>>
  start(world: World, domain: string, options?: Options): Promise<Server>
}
