import { mayCome, type Profile, type Proofs } from './profile.ts'

/** A way to prove a domain: its certificate, or the word of the domain itself, over TLS or in the clear. */
export type Way = 'certificate' | 'dialback over TLS' | 'dialback in the clear'

/** The ways that demands leave open, the best one first. None: nobody can ever prove anything. */
export function waysOf({ tls, sasl, dialback }: Proofs): readonly Way[] {
  const ways: Way[] = []
  // Where dialback is required a certificate is not the proof, and where a certificate is required it is asked for besides.
  if (tls !== 'off' && sasl !== 'off' && dialback !== 'required') ways.push('certificate')
  if (dialback === 'off' || (sasl === 'required' && dialback !== 'required')) return ways
  if (tls !== 'off') ways.push('dialback over TLS')
  if (tls !== 'required' && sasl !== 'required') ways.push('dialback in the clear')
  return ways
}

/** Why demands can never come to a proof; undefined where they can. */
export function contradiction(proofs: Proofs): string | undefined {
  if (waysOf(proofs).length > 0) return undefined
  const { sasl, dialback } = proofs
  if (sasl === 'off' && dialback === 'off') return 'without certificates and dialback nobody can prove anything'
  if (sasl === 'required') return 'certificates need TLS'
  return 'without TLS there are no certificates, and dialback is off'
}

/** Whether a certificate that names the domain is a proof of it, where it may send to us at all. */
export function takesCertificates(profile: Profile): boolean {
  const { sasl, dialback } = profile
  return mayCome(profile) && sasl !== 'off' && dialback !== 'required'
}

/** What an operator should know of demands that do not contradict each other. */
export function warningsOf({ tls, sasl, dialback }: Proofs): readonly string[] {
  const warnings: string[] = []
  if (sasl === 'required' && dialback === 'optional') warnings.push('dialback is never used: a certificate is required')
  if (tls === 'optional' && sasl !== 'off' && dialback === 'off')
    warnings.push('without TLS there is no certificate: streams in the clear come to nothing')
  const clear = waysOf({ tls, sasl, dialback }).includes('dialback in the clear')
  if (clear && tls === 'optional') warnings.push('whoever is in between can turn encryption off')
  if (clear && tls === 'off') warnings.push('everything is readable on the way')
  if (tls === 'off' && sasl === 'optional') warnings.push('certificates are never used: there is no TLS')
  return warnings
}
