import { randomUUID } from 'node:crypto'
import { SaslError } from './error.ts'
import type { Mechanism } from './mechanism.ts'
import { decodeUtf8 } from './payload.ts'

/** RFC 4505 §2: characters, not octets. */
const maxTrace = 255

/** ANONYMOUS (RFC 4505, XEP-0175). The trace is checked and forgotten; the name is fresh and cannot be guessed. */
export const anonymous: Mechanism = {
  name: 'ANONYMOUS',
  start(context) {
    return async input => {
      const trace = decodeUtf8(input)
      if (trace.includes('\0') || [...trace].length > maxTrace) {
        throw new SaslError('malformed-request', 'not a valid ANONYMOUS message')
      }
      return { success: { user: randomUUID(), host: context.host }, anonymous: true }
    }
  },
}
