import { randomBytes } from 'node:crypto'

/** Random and not to be guessed: who knows one has seen the message that it was in. */
export const token = (bytes = 12) => randomBytes(bytes).toString('hex')

/** What makes a branch one of RFC 3261 (§8.1.1.7). */
export const COOKIE = 'z9hG4bK'
