import { Jid } from '@parley/jid'
import {
  type AccountStatus,
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
import type { Account } from '@parley/store'
import { type ClientStream, type Context, defineModule, networkOf } from '@xmpp/server-core'
import { LoginGuard } from './login-guard.ts'
import { tokenSlots } from './token-slots.ts'

/** Logging in as such, shared by SASL (RFC 6120 §6) and SASL2 (XEP-0388): who may, how often, with what. */
export interface Authentication {
  readonly policy: SaslPolicy
  /** What this stream may be offered now. */
  offer(stream: ClientStream): Offer
  /** Whether an exchange has begun and not ended, in whichever profile. */
  isUnderWay(stream: ClientStream): boolean
  /** @throws SaslError where the mechanism was not offered */
  begin(stream: ClientStream, mechanism: string, advertised: Advertised, fast?: FastRequest): Exchange
  /** To be called with every failed exchange, so that guessing becomes slow. */
  failed(stream: ClientStream, exchange: Exchange | undefined, error: SaslError): void
  /** Whether what was proven some time ago still holds. @throws SaslError where the account is not what it was */
  confirm(stream: ClientStream, success: Success): Promise<void>
  /** Makes the stream the account's. */
  succeeded(stream: ClientStream, success: Success): Promise<Jid>
}

export interface Offer {
  readonly mechanisms: readonly string[]
  readonly tokenMechanisms: readonly string[]
  readonly bindings: readonly string[]
}

/** Who may log in: mechanisms by policy, credentials from the account store, and a brake on guessing. */
export default defineModule({
  name: 'authentication',
  xeps: [{ number: 474, version: '0.5.0' }],
  async setup(context): Promise<{ api: Authentication }> {
    const { host, domain, clock, store, accounts, server } = context
    const decoySecret = await store.secrets.secret('sasl-decoy', 32)
    const topic = `login ${domain.domain}`
    const guard = new LoginGuard(clock, server.config.limits.logins, news => server.live.tell(topic, news))
    server.hear(topic, news => guard.heard(news))
    const policy = policyOf(context)
    const credentials = credentialsOf(context)
    const underWay = new WeakMap<ClientStream, Credentials>()
    const mechanisms = new WeakMap<ClientStream, string>()

    const linkOf = (stream: ClientStream): Link => ({
      host: domain.domain,
      secure: stream.secure,
      bindings: stream.wire.tls?.bindings ?? {},
      certificateAddresses: stream.wire.tls?.certificateAddresses ?? [],
    })
    const placeOf = (stream: ClientStream) => networkOf(stream.wire.remote)

    /** For one exchange. Passwords are looked at only through this: a name costs the same whether it is known or not. */
    function guarded(stream: ClientStream): Credentials {
      const look = (user: string) => accounts.store.get(`${user}@${domain.domain}`)
      let before: Promise<Account | undefined> | undefined
      return {
        ...credentials,
        async scramKeys(user) {
          if (!guard.admits(placeOf(stream), user)) {
            throw new SaslError('temporary-auth-failure', 'too many failed logins')
          }
          before = look(user)
          await before
          return credentials.scramKeys(user)
        },
        // The password may have been changed since its keys were read.
        async status(user) {
          const account = await look(user)
          const outdated = before !== undefined && (await before)?.generation !== account?.generation
          return outdated ? 'expired' : statusOf(account)
        },
      }
    }

    const api: Authentication = {
      policy,
      offer(stream) {
        const link = linkOf(stream)
        return {
          mechanisms: offeredMechanisms(link, policy),
          tokenMechanisms: offeredTokenMechanisms(link, policy),
          bindings: offeredBindings(link),
        }
      },
      isUnderWay: stream => underWay.has(stream),
      begin(stream, mechanism, advertised, fast) {
        const now = () => clock.now()
        const own = guarded(stream)
        const base = { ...linkOf(stream), policy, credentials: own, advertised, decoySecret, now }
        const exchange = startExchange(mechanism, fast ? { ...base, fast } : base)
        underWay.set(stream, own)
        mechanisms.set(stream, mechanism)
        return exchange
      },
      failed(stream, exchange, error) {
        underWay.delete(stream)
        if (exchange && error.condition !== 'aborted') server.counters.login(exchange.mechanism, 'failed')
        if (error.cause) host.log.error('an account could not be looked up', { error: error.cause })
        if (error.untested) return
        if (error.condition !== 'not-authorized' && error.condition !== 'invalid-authzid') return
        const { claimed: user, mechanism } = exchange ?? {}
        if (!mechanism?.startsWith('HT-')) guard.failed(placeOf(stream), user)
        host.log.info('login failed', { address: stream.wire.remote, mechanism, user })
      },
      async confirm(stream, { success, anonymous }) {
        const status = anonymous ? 'active' : await underWay.get(stream)?.status(success.user)
        if (status === 'active') return
        throw new SaslError(status === 'disabled' ? 'account-disabled' : 'credentials-expired')
      },
      async succeeded(stream, { success, anonymous }) {
        underWay.delete(stream)
        const account = Jid.of(success.user, success.host)
        guard.succeeded(placeOf(stream), success.user)
        server.counters.login(mechanisms.get(stream)!, 'ok')
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

function credentialsOf({ accounts, domain, store }: Context): Credentials {
  return {
    scramKeys: user => accounts.keys(Jid.of(user, domain.domain)),
    status: async user => statusOf(await accounts.store.get(`${user}@${domain.domain}`)),
    tokens: tokenSlots(store.tokens.fast, domain.domain),
  }
}

function statusOf(account: Account | undefined): AccountStatus | undefined {
  return account && (account.disabled ? 'disabled' : 'active')
}
