import { expect, test } from '@jest/globals'
import type { Demand } from './profile.ts'
import { contradiction, type Way, warningsOf, waysOf } from './proofs.ts'

const CERTIFICATE: Way = 'certificate'
const TLS: Way = 'dialback over TLS'
const CLEAR: Way = 'dialback in the clear'

/** tls, sasl, dialback; the ways that are left; whether an operator is warned. */
const TABLE: readonly (readonly [Demand, Demand, Demand, readonly Way[], boolean])[] = [
  ['required', 'required', 'optional', [CERTIFICATE], true],
  ['required', 'required', 'off', [CERTIFICATE], false],
  ['required', 'required', 'required', [TLS], false],
  ['required', 'optional', 'optional', [CERTIFICATE, TLS], false],
  ['required', 'optional', 'off', [CERTIFICATE], false],
  ['required', 'optional', 'required', [TLS], false],
  ['required', 'off', 'optional', [TLS], false],
  ['required', 'off', 'off', [], false],
  ['required', 'off', 'required', [TLS], false],
  ['optional', 'required', 'optional', [CERTIFICATE], true],
  ['optional', 'required', 'off', [CERTIFICATE], true],
  ['optional', 'required', 'required', [TLS], false],
  ['optional', 'optional', 'optional', [CERTIFICATE, TLS, CLEAR], true],
  ['optional', 'optional', 'off', [CERTIFICATE], true],
  ['optional', 'optional', 'required', [TLS, CLEAR], true],
  ['optional', 'off', 'optional', [TLS, CLEAR], true],
  ['optional', 'off', 'off', [], false],
  ['optional', 'off', 'required', [TLS, CLEAR], true],
  ['off', 'required', 'optional', [], false],
  ['off', 'required', 'off', [], false],
  ['off', 'required', 'required', [], false],
  ['off', 'optional', 'optional', [CLEAR], true],
  ['off', 'optional', 'off', [], false],
  ['off', 'optional', 'required', [CLEAR], true],
  ['off', 'off', 'optional', [CLEAR], true],
  ['off', 'off', 'off', [], false],
  ['off', 'off', 'required', [CLEAR], true],
]

test.each(TABLE)('tls %s, sasl %s, dialback %s: %j', (tls, sasl, dialback, ways, warned) => {
  const proofs = { tls, sasl, dialback }
  expect(waysOf(proofs)).toEqual(ways)
  expect(contradiction(proofs) === undefined).toBe(ways.length > 0)
  if (ways.length > 0) expect(warningsOf(proofs).length > 0).toBe(warned)
})
