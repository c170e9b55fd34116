import { p, Transcript } from '@parley/testkit'
import { CERTIFICATES, type CertificateKind } from './ca.ts'
import { factsOf } from './modes.ts'
import type { Options, Peer, Server } from './peers/peer.ts'
import { Person } from './person.ts'

export const KINDS = Object.keys(CERTIFICATES) as CertificateKind[]

/** What a server asks of others: a certificate that it believes; or one, and dialback where it does not believe it. */
export const PROFILES = {
  required: { proof: 'external' },
  'dialback allowed': { proof: 'both' },
} as const satisfies Record<string, Options>
export type Profile = keyof typeof PROFILES

export type Outcome = 'EXTERNAL' | 'dialback' | 'refused'

/** A domain for each kind of certificate, all on one server that itself asks for little. */
export const STRANGERS: Options = {
  proof: 'both',
  more: Object.fromEntries(KINDS.map(kind => [labelOf(kind), kind])),
}

/** A wildcard stands for the neighbours too: it gets none. */
function labelOf(kind: CertificateKind): string {
  return kind === 'wildcard' ? 'any.wildcard' : kind
}

/**
 * How it should end, for somebody with that certificate who opens a stream (`in`), or to whom one is opened (`out`): there the
 * stranger believes the certificate of who opens.
 */
export function expected(judge: Peer, profile: Profile, way: 'in' | 'out', kind: CertificateKind): Outcome {
  if (judge.believes[way].includes(kind)) return 'EXTERNAL'
  if (way === 'in' && judge.chokes.includes(kind)) return 'refused'
  if (profile === 'required') return 'refused'
  return way === 'in' ? 'dialback' : 'EXTERNAL'
}

/** A word from one to the other, and what became of it. */
export async function outcome(
  kind: CertificateKind,
  { judge, stranger, way }: { judge: Server; stranger: Server; way: 'in' | 'out' },
): Promise<Outcome> {
  const domain = `${labelOf(kind)}.${stranger.domain}`
  const transcript = new Transcript()
  const known = await Person.join(judge, `juliet-${kind}-${way}-${++turns}`, transcript)
  const unknown = await Person.join(stranger, `romeo-${kind}-${way}-${turns}`, transcript, { domain })
  const [from, to] = way === 'in' ? [unknown, known] : [known, unknown]
  try {
    from.sends`<message to="${to}" id="knock" type="chat"><body>Who is there?</body></message>`
    const came = await Person.first(
      [to, p`<message from="${from}" id="knock"><body>Who is there?</body></message>`],
      [from, p`<message type="error" id="knock"/>`],
    )
    if (came === 1) return 'refused'
  } finally {
    known.leave()
    unknown.leave()
  }
  const facts =
    way === 'in' ? factsOf(stranger, judge, domain, judge.domain) : factsOf(judge, stranger, judge.domain, domain)
  return facts.has('EXTERNAL') ? 'EXTERNAL' : 'dialback'
}
let turns = 0
