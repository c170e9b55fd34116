import type { HashName } from './digest.ts'

export type ScramMechanism = 'SCRAM-SHA-1' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** Strongest first. */
export const scramMechanisms: readonly ScramMechanism[] = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1']

export const scramHash: Readonly<Record<ScramMechanism, HashName>> = {
  'SCRAM-SHA-1': 'sha1',
  'SCRAM-SHA-256': 'sha256',
  'SCRAM-SHA-512': 'sha512',
}

export interface ScramParameters {
  readonly mechanism: ScramMechanism
  readonly salt: Buffer
  readonly iterations: number
}

/** What is stored instead of a password (RFC 5802 §3). */
export interface ScramKeys extends ScramParameters {
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** Twice the minimum of RFC 7677 §4 and more; the work is the client's, except when keys are made and for PLAIN. */
export const defaultIterations: Readonly<Record<ScramMechanism, number>> = {
  'SCRAM-SHA-1': 10_000,
  'SCRAM-SHA-256': 10_000,
  'SCRAM-SHA-512': 10_000,
}

/** Octets of a salt that is made here. */
export const saltLength = 16
