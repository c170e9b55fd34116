import { errorOf, type Iq, readStanza, resultOf, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import {
  type Asked,
  type ClientStream,
  defineModule,
  iqGet,
  iqSet,
  networkOf,
  type Request,
  Throttle,
} from '@xmpp/server-core'
import accountsModule from './accounts.ts'
import invites from './invites.ts'
import { accountOf, asRefusals, passwordOf, REGISTER } from './registration-rules.ts'

const FEATURE = 'http://jabber.org/features/iq-register'
const TOKEN_FEATURE = 'urn:xmpp:ibr-token:0'
const PREAUTH = 'urn:xmpp:pars:0'

/**
 * In-band registration (XEP-0077): new accounts as the domain allows (`registration`: closed, invite or open), with an
 * invitation's token (XEP-0445) where it asks for one; a new password and the end of one's own account always.
 */
export default defineModule({
  name: 'registration',
  xeps: [
    { number: 77, version: '2.4' },
    { number: 445, version: '0.3.0' },
  ],
  features: { host: [REGISTER], account: [REGISTER] },
  uses: { accounts: accountsModule, invites },
  setup({ accounts, domain, server, clock, host, log, uses }) {
    const throttle = new Throttle(clock, server.config.limits.registrations)
    const tokens = new WeakMap<ClientStream, string>()
    const open = (stream: ClientStream) =>
      domain.registration !== 'closed' && !stream.account && (stream.secure || server.config.tls.client === 'optional')

    const form = () =>
      el(
        'query',
        REGISTER,
        null,
        el('instructions', REGISTER, null, `Choose a name and a password for your account on ${host.domain}.`),
        el('username', REGISTER),
        el('password', REGISTER),
      )

    // ── before authentication ──

    async function register(stream: ClientStream, query: Element): Promise<undefined> {
      const account = accountOf(query, host.domain)
      const password = passwordOf(query)
      const token = tokens.get(stream)
      if (domain.registration === 'invite' && token === undefined) {
        throw new StanzaError('not-allowed', 'An invitation is needed to register')
      }
      if (!throttle.take(networkOf(stream.wire.remote))) {
        throw new StanzaError('resource-constraint', 'Too many registrations from your address')
      }
      const redeemed = token === undefined ? undefined : await uses.invites.redeem(token)
      if (token !== undefined && !redeemed) throw new StanzaError('not-allowed', 'The invitation is used up')
      await asRefusals(() => accounts.create(account, password))
      log.info('account registered', { account: account.text, address: stream.wire.remote })
      return undefined
    }

    /** XEP-0445 §4: the token is checked now and used up by the registration. */
    async function preauth(stream: ClientStream, { attrs }: Element): Promise<undefined> {
      const token = attrs['token'] ?? ''
      if (!throttle.take(`token ${networkOf(stream.wire.remote)}`) || !(await uses.invites.isGood(token))) {
        throw new StanzaError('item-not-found', 'There is no such invitation')
      }
      tokens.set(stream, token)
      return undefined
    }

    async function unbound(stream: ClientStream, stanza: Element): Promise<boolean> {
      const payload = stanza.firstElement()
      if (stanza.name !== 'iq' || !payload || !open(stream)) return false
      const isQuery = payload.name === 'query' && payload.ns === REGISTER
      const isPreauth = payload.name === 'preauth' && payload.ns === PREAUTH
      if (!isQuery && !isPreauth) return false
      const request = readStanza(stanza, undefined) as Iq
      if (!request.isRequest) return false
      try {
        const answer = isPreauth
          ? preauth(stream, payload)
          : request.type === 'get'
            ? form()
            : register(stream, payload)
        stream.wire.stanza(resultOf(request, await answer).toXml())
      } catch (error) {
        if (!(error instanceof StanzaError)) throw error
        stream.wire.stanza(errorOf(request, error).toXml())
      }
      return true
    }

    // ── on one's own account ──

    function show({ from }: Request): Element {
      return el(
        'query',
        REGISTER,
        null,
        el('registered', REGISTER),
        el('username', REGISTER, null, from.local),
        el('password', REGISTER),
      )
    }

    async function change({ from, payload }: Request, { session, after }: Asked): Promise<undefined> {
      // XEP-0077 §3.2, §3.3: from an account of this host, on itself.
      if (!session || session.stream?.anonymous) throw new StanzaError('forbidden', 'Only your own account')
      const account = from.bare
      if (payload.child('remove')) {
        // XEP-0077 §3.2: the answer comes before the end.
        after(() => accounts.remove(account, uses.accounts.reserve))
        return undefined
      }
      const named = accountOf(payload, host.domain)
      if (!named.equals(account)) throw new StanzaError('not-allowed', 'That is not your account')
      const password = passwordOf(payload)
      await asRefusals(() => accounts.derive(password))
      after(async () => {
        await accounts.setPassword(account, password, session.sid)
      })
      return undefined
    }

    return {
      iq: [
        iqGet('host', REGISTER, 'query', show),
        iqSet('host', REGISTER, 'query', change),
        iqGet('self', REGISTER, 'query', show),
        iqSet('self', REGISTER, 'query', change),
      ],
      stream: [
        { order: 'auth-extra', advertise: stream => (open(stream) ? el('register', FEATURE) : undefined), unbound },
        { order: 'auth-extra', advertise: stream => (open(stream) ? el('register', TOKEN_FEATURE) : undefined) },
      ],
    }
  },
})
