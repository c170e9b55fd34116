import { type AdapterClock, AdapterError, type AdapterLog } from '@parley/adapter'
import { errorOf } from './errors.ts'
import { seconds } from './presence/state.ts'
import type { Agent } from './wire/agent.ts'
import { formatAddress, parseAddress } from './wire/fields.ts'
import type { Hop } from './wire/hop.ts'
import { token } from './wire/token.ts'

export interface RegistrationUse {
  readonly agent: Agent
  readonly clock: AdapterClock
  readonly log: AdapterLog
  readonly hop: Hop
  /** What is registered: `sip:gateway@far.example`. */
  readonly address: string
  readonly contact: string
  readonly expires: number
}

/** Says at a registrar where we are, as long as we are there (RFC 3261 §10). */
export class Registration {
  readonly #use: RegistrationUse
  readonly #callId = token(16)
  #sequence = 1
  #stopTimer = () => {}
  #over = false

  constructor(use: RegistrationUse) {
    this.#use = use
  }

  /** @throws AdapterError `credentials` where the registrar does not know us */
  async begin(): Promise<void> {
    const answer = await this.#register(this.#use.expires)
    if ([401, 403, 407].includes(answer.status))
      throw new AdapterError('credentials', 'The registrar does not accept the name or the password of this server')
    if (answer.status >= 300) throw errorOf(answer)
    this.#later(seconds(answer.headers.get('expires')) ?? this.#use.expires)
  }

  #later(lasts: number): void {
    if (this.#over) return
    const refresh = Math.max(lasts - Math.min(60, lasts / 4), 5) * 1000
    this.#stopTimer = this.#use.clock.after(refresh, () => {
      void this.#register(this.#use.expires).then(answer => {
        if (answer.status >= 300) this.#use.log.warn('The registrar has refused', { status: answer.status })
        this.#later(answer.status < 300 ? (seconds(answer.headers.get('expires')) ?? this.#use.expires) : 60)
      })
    })
  }

  /** What is registered ends by itself: that nobody answers while we are away is true. */
  stop(): void {
    this.#over = true
    this.#stopTimer()
  }

  #register(expires: number) {
    const { address } = this.#use
    const domain = parseAddress(`<${address}>`)?.uri?.host ?? ''
    return this.#use.agent.ask({
      method: 'REGISTER',
      target: `sip:${domain}`,
      hop: this.#use.hop,
      from: formatAddress(address, new Map([['tag', token(8)]])),
      to: formatAddress(address),
      callId: this.#callId,
      next: () => this.#sequence++,
      extra: { contact: `<${this.#use.contact}>`, expires },
    })
  }
}
