import { randomBytes } from 'node:crypto'
import { admit, prepareUser } from './account.ts'
import { digest, equalSecrets, type HashName } from './digest.ts'
import { SaslError } from './error.ts'
import type { Awaitable, ChannelBindings, FastRequest, Mechanism, MechanismContext, Success } from './mechanism.ts'
import { decodeUtf8 } from './payload.ts'

/** A token that the server gave to one client for one mechanism (XEP-0484). */
export interface TokenSlot {
  readonly id: string
  /** The token's UTF-8 octets: the key of the HMAC. */
  readonly key: Buffer
  /** The only mechanism that it is good for. */
  readonly mechanism: string
  /** Milliseconds since 1970; the token is dead from then on. */
  readonly expires: number
}

/** The token side of an account store. Tokens are compared here, in constant time, and never by the store. */
export interface TokenStore {
  /** The client's two slots, new and current (XEP-0484 §5.1), or fewer; `[]` for an unknown account. */
  slots(user: string, client: string): Awaitable<readonly TokenSlot[]>
  /**
   * Takes note, in one atomic step, that the token was used: a token of the new slot becomes the current one, older
   * ones of the same client die, and `count`, when given, must be above every count before it and is kept. Answers
   * false, changing nothing, when the count is not above or the token is gone.
   */
  redeem(user: string, id: string, count: number | undefined): Awaitable<boolean>
}

const maxSlots = 2

/** A new token: 256 random bits, in characters that need no escape in XML. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/** HT-* (draft-schmaus-kitten-sasl-ht-09, the revision that XEP-0484 builds on); `binding` undefined is -NONE. */
export function hashedToken(name: string, hash: HashName, binding: keyof ChannelBindings | undefined): Mechanism {
  return {
    name,
    start(context, claim) {
      return async input => {
        const bindingData = binding === undefined ? Buffer.alloc(0) : context.bindings[binding]
        if (bindingData === undefined) throw new SaslError('not-authorized', 'channel binding type is not supported')
        const { fast, store } = requireFast(context)
        const { username, proof } = parse(input)
        const user = prepareUser(username)
        claim(user)
        const slots = paddedSlots(await store.slots(user, fast.client), context.decoySecret)
        const slot = matchingSlot(slots, name, key => digest.hmac(hash, key, 'Initiator', bindingData), proof)
        const data = digest.hmac(hash, slot.key, 'Responder', bindingData)
        return redeem(context, { user, slot, fast, store, data })
      }
    },
  }
}

function requireFast(context: MechanismContext): { fast: FastRequest; store: TokenStore } {
  const { fast, credentials } = context
  if (fast === undefined) throw new SaslError('malformed-request', 'token without <fast/>')
  if (credentials.tokens === undefined) throw new SaslError('invalid-mechanism')
  // XEP-0484 §3.4: 0-RTT data can be replayed, only the counter shows it.
  if (fast.earlyData && fast.count === undefined) throw new SaslError('not-authorized')
  return { fast, store: credentials.tokens }
}

function parse(input: Buffer): { username: string; proof: Buffer } {
  const end = input.indexOf(0)
  if (end < 1 || end === input.length - 1) throw new SaslError('malformed-request', 'not a valid HT message')
  return { username: decodeUtf8(input.subarray(0, end)), proof: input.subarray(end + 1) }
}

/** Always as many as a client can have, so that a user without tokens costs what every other costs. */
function paddedSlots(slots: readonly TokenSlot[], secret: Buffer): readonly TokenSlot[] {
  const decoy: TokenSlot = { id: '', key: secret, mechanism: '', expires: 0 }
  return Array.from({ length: maxSlots }, (_, i) => slots[i] ?? decoy)
}

function matchingSlot(
  slots: readonly TokenSlot[],
  mechanism: string,
  expected: (key: Buffer) => Buffer,
  proof: Buffer,
): TokenSlot {
  // Every slot is tried, also after a match; a token of another mechanism must not match (XEP-0484 §3.4).
  const matches = slots.filter(slot => equalSecrets(expected(slot.key), proof) && slot.mechanism === mechanism)
  const [slot] = matches
  if (slot === undefined) throw new SaslError('not-authorized')
  return slot
}

interface Proven {
  readonly user: string
  readonly slot: TokenSlot
  readonly fast: FastRequest
  readonly store: TokenStore
  /** responder-msg */
  readonly data: Buffer
}

async function redeem(context: MechanismContext, { user, slot, fast, store, data }: Proven): Promise<Success> {
  const success = await admit(context, user)
  if (slot.expires <= context.now()) throw new SaslError('credentials-expired')
  if (!(await store.redeem(user, slot.id, fast.count))) throw new SaslError('not-authorized')
  return { success, data, token: slot.id }
}
