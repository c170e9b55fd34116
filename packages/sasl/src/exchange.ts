import { SaslError } from './error.ts'
import type { MechanismContext, Responder, Step } from './mechanism.ts'
import { findMechanism, offeredMechanisms, offeredTokenMechanisms } from './mechanisms.ts'
import { maxPayload } from './payload.ts'

const minDecoySecret = 32

/** One attempt to authenticate, from `<auth/>` or `<authenticate/>` to success or failure. */
export interface Exchange {
  readonly mechanism: string
  /** Prepared localpart whose account is tried, for throttling and audit; undefined while unknown. Not proven. */
  readonly claimed: string | undefined
  /**
   * Takes the client's next message; undefined, when it sent no initial response, is answered with an empty challenge
   * (RFC 4422 §5). Rejects with SaslError and nothing else. After a success or a failure no step is possible.
   */
  step(input: Buffer | undefined): Promise<Step>
}

/**
 * Begins an exchange with the mechanism that the client chose. Throws `encryption-required` on an insecure link and
 * `invalid-mechanism` for everything that was not advertised or is not possible (RFC 6120 §6.5.7).
 * A decoy secret under 32 octets is a mistake of the caller: RangeError.
 */
export function startExchange(name: string, context: MechanismContext): Exchange {
  const { advertised, policy } = context
  if (context.decoySecret.length < minDecoySecret) throw new RangeError('decoy secret too short')
  const mechanism = findMechanism(name)
  const wasAdvertised = advertised.mechanisms.includes(name) || advertised.tokenMechanisms?.includes(name)
  if (!context.secure && !policy.allowInsecure) throw new SaslError('encryption-required')
  // Asked again, in case what was advertised is out of date or was written by hand.
  const possible = [...offeredMechanisms(context, policy), ...offeredTokenMechanisms(context, policy)].includes(name)
  if (mechanism === undefined || !wasAdvertised || !possible) throw new SaslError('invalid-mechanism')
  return new GuardedExchange(name, claim => mechanism.start(context, claim))
}

class GuardedExchange implements Exchange {
  readonly mechanism: string
  #claimed: string | undefined
  /** Undefined while a step runs and after the end. */
  #respond: Responder | undefined
  #begun = false

  constructor(mechanism: string, start: (claim: (user: string) => void) => Responder) {
    this.mechanism = mechanism
    this.#respond = start(user => {
      this.#claimed = user
    })
  }

  get claimed(): string | undefined {
    return this.#claimed
  }

  async step(input: Buffer | undefined): Promise<Step> {
    const respond = this.#respond
    this.#respond = undefined
    if (respond === undefined) throw new SaslError('malformed-request', 'no SASL message was expected')
    const first = !this.#begun
    this.#begun = true
    const step = await answer(respond, input, first)
    if ('challenge' in step) this.#respond = respond
    return step
  }
}

async function answer(respond: Responder, input: Buffer | undefined, first: boolean): Promise<Step> {
  if (input === undefined) {
    // Every mechanism here lets the client speak first.
    if (first) return { challenge: Buffer.alloc(0) }
    throw new SaslError('malformed-request', 'SASL message without content')
  }
  if (input.length > maxPayload) throw new SaslError('malformed-request', 'SASL message too long')
  try {
    return await respond(input)
  } catch (error) {
    if (error instanceof SaslError) throw error
    throw new SaslError('temporary-auth-failure', undefined, { cause: error })
  }
}
