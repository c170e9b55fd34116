import { anonymous } from './anonymous.ts'
import { certificateAccounts, external } from './external.ts'
import { hashedToken } from './hashed-token.ts'
import type { ChannelBindings, Link, Mechanism, SaslPolicy } from './mechanism.ts'
import { plain } from './plain.ts'
import { scram } from './scram.ts'
import { defaultIterations, scramMechanisms } from './scram-mechanism.ts'

interface Offer {
  readonly mechanism: Mechanism
  /** Whether the link has what the mechanism needs; its being secure is asked elsewhere. */
  readonly possible: (link: Link) => boolean
  readonly insecure?: true
}

const always = () => true

/** In order of preference. */
const offers: readonly Offer[] = [
  { mechanism: external, possible: link => certificateAccounts(link).length > 0 },
  ...scramMechanisms.map(name => ({ mechanism: scram(name, true), possible: (link: Link) => canBind(link.bindings) })),
  ...scramMechanisms.map(name => ({ mechanism: scram(name, false), possible: always, insecure: true as const })),
  { mechanism: plain, possible: always },
  { mechanism: anonymous, possible: always },
]

const tokenOffers: readonly Offer[] = (['SHA-512', 'SHA-256'] as const).flatMap(hash => {
  const hashName = hash === 'SHA-512' ? 'sha512' : 'sha256'
  return [
    tokenOffer(`HT-${hash}-EXPR`, hashName, 'tls-exporter'),
    tokenOffer(`HT-${hash}-ENDP`, hashName, 'tls-server-end-point'),
    tokenOffer(`HT-${hash}-NONE`, hashName, undefined),
  ]
})

const byName: ReadonlyMap<string, Mechanism> = new Map(
  [...offers, ...tokenOffers].map(({ mechanism }) => [mechanism.name, mechanism]),
)

/** Every name that a configuration may enable, in order of preference. */
export const mechanismNames: readonly string[] = [...byName.keys()]

/**
 * PLAIN shows the password to whoever breaks TLS and undoes every protection against downgrade (RFC 6120 §13.8.3), and
 * ANONYMOUS lets everybody in: a host that wants them must name them.
 */
export const defaultPolicy: SaslPolicy = {
  enabled: mechanismNames.filter(name => name !== 'PLAIN' && name !== 'ANONYMOUS'),
  downgradeProtection: true,
  allowInsecure: false,
  iterations: defaultIterations,
}

/** Names for `<mechanisms/>` (SASL1) and `<authentication/>` (SASL2), best first. */
export function offeredMechanisms(link: Link, policy: SaslPolicy): readonly string[] {
  return select(offers, link, policy)
}

/** Names for `<fast/>` (XEP-0484), best first. */
export function offeredTokenMechanisms(link: Link, policy: SaslPolicy): readonly string[] {
  return select(tokenOffers, link, policy)
}

/** Types for `<sasl-channel-binding/>` (XEP-0440), strongest first. */
export function offeredBindings({ bindings }: Link): readonly (keyof ChannelBindings)[] {
  return (['tls-exporter', 'tls-server-end-point'] as const).filter(type => bindings[type] !== undefined)
}

export function findMechanism(name: string): Mechanism | undefined {
  return byName.get(name)
}

function tokenOffer(name: string, hash: 'sha256' | 'sha512', binding: keyof ChannelBindings | undefined): Offer {
  return {
    mechanism: hashedToken(name, hash, binding),
    possible: ({ bindings }) => binding === undefined || bindings[binding] !== undefined,
  }
}

function select(from: readonly Offer[], link: Link, policy: SaslPolicy): readonly string[] {
  return from
    .filter(({ mechanism }) => policy.enabled.includes(mechanism.name))
    .filter(({ possible }) => possible(link))
    .filter(({ insecure }) => link.secure || (insecure === true && policy.allowInsecure))
    .map(({ mechanism }) => mechanism.name)
}

function canBind(bindings: ChannelBindings): boolean {
  return bindings['tls-exporter'] !== undefined || bindings['tls-server-end-point'] !== undefined
}
