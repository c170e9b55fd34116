import { Jid } from '@parley/jid'
import {
  type Advertised,
  type Credentials,
  defaultPolicy,
  type Exchange,
  type FastRequest,
  type Link,
  mechanismNames,
  offeredBindings,
  offeredMechanisms,
  offeredTokenMechanisms,
  SaslError,
  type SaslPolicy,
  type Success,
  startExchange,
} from '@parley/sasl'
import { type ClientStream, type Context, defineModule, networkOf, Throttle } from '@xmpp/server-core'

/** Logging in as such, shared by SASL (RFC 6120 §6) and SASL2 (XEP-0388): who may, how often, with what. */
export interface Authentication {
  readonly policy: SaslPolicy
  /** What this stream may be offered now; remembered as what was advertised. */
  offer(stream: ClientStream): Offer
  /** @throws SaslError where the mechanism was not offered, or after too many failures */
  begin(stream: ClientStream, mechanism: string, advertised: Advertised, fast?: FastRequest): Exchange
  /** To be called with every failed exchange, so that guessing becomes slow. */
  failed(stream: ClientStream, exchange: Exchange | undefined, error: SaslError): void
  /** Makes the stream the account's. */
  succeeded(stream: ClientStream, success: Success): Promise<Jid>
  readonly credentials: Credentials
}

export interface Offer {
  readonly mechanisms: readonly string[]
  readonly tokenMechanisms: readonly string[]
  readonly bindings: readonly string[]
}

export default defineModule({
  name: 'authentication',
  async setup(context): Promise<{ api: Authentication }> {
    const { host, domain, clock, store, accounts } = context
    const decoySecret = await store.secrets.secret('sasl-decoy', 32)
    const failures = new Throttle(clock, context.server.config.limits.logins)
    const policy = policyOf(context)
    const credentials = credentialsOf(context)

    const linkOf = (stream: ClientStream): Link => ({
      host: domain.domain,
      secure: stream.secure,
      bindings: stream.wire.tls?.bindings ?? {},
      certificateAddresses: stream.wire.tls?.certificateAddresses ?? [],
    })
    const addressOf = (stream: ClientStream) => `address ${networkOf(stream.wire.remote)}`

    const api: Authentication = {
      policy,
      credentials,
      offer(stream) {
        const link = linkOf(stream)
        return {
          mechanisms: offeredMechanisms(link, policy),
          tokenMechanisms: offeredTokenMechanisms(link, policy),
          bindings: offeredBindings(link),
        }
      },
      begin(stream, mechanism, advertised, fast) {
        if (!failures.allows(addressOf(stream))) throw new SaslError('temporary-auth-failure', 'too many failed logins')
        const now = () => clock.now()
        const base = { ...linkOf(stream), policy, credentials, advertised, decoySecret, now }
        return startExchange(mechanism, fast ? { ...base, fast } : base)
      },
      failed(stream, exchange, error) {
        if (error.cause) host.log.error('an account could not be looked up', { error: error.cause })
        if (error.condition !== 'not-authorized' && error.condition !== 'invalid-authzid') return
        failures.count(addressOf(stream))
        const user = exchange?.claimed
        if (user !== undefined) failures.count(`account ${user}`)
        host.log.info('login failed', { address: stream.wire.remote, mechanism: exchange?.mechanism, user })
      },
      async succeeded(stream, { success, anonymous }) {
        const account = Jid.of(success.user, success.host)
        failures.forgive(`account ${success.user}`)
        stream.authenticated(account, anonymous ?? false)
        if (!anonymous) await accounts.store.loggedIn(account.text)
        return account
      },
    }
    return { api }
  },
})

/** PLAIN is offered over TLS only, ANONYMOUS where the operator wants it. */
function policyOf({ domain, server }: Context): SaslPolicy {
  const { auth, tls } = server.config
  const safe = mechanismNames.filter(name => name !== 'ANONYMOUS')
  return {
    ...defaultPolicy,
    enabled: [...(auth.mechanisms ?? safe), ...(domain.anonymous ? ['ANONYMOUS'] : [])],
    downgradeProtection: auth.downgradeProtection,
    allowInsecure: tls.client === 'optional',
    iterations: {
      'SCRAM-SHA-1': auth.iterations,
      'SCRAM-SHA-256': auth.iterations,
      'SCRAM-SHA-512': auth.iterations,
    },
  }
}

function credentialsOf({ accounts, domain }: Context): Credentials {
  return {
    scramKeys: user => accounts.keys(Jid.of(user, domain.domain)),
    async status(user) {
      const account = await accounts.store.get(`${user}@${domain.domain}`)
      if (!account) return undefined
      return account.disabled ? 'disabled' : 'active'
    },
  }
}
