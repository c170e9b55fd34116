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
  type Session,
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
    { number: 445, version: '0.2.0' },
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
      await asRefusals(() => accounts.create(account, password))
      // XEP-0445 §4: a token is used up only by a registration that came about.
      if (token !== undefined && !(await uses.invites.redeem(token))) {
        await accounts.remove(account, 0)
        throw new StanzaError('not-allowed', 'The invitation is used up')
      }
      tokens.delete(stream)
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
      if (stanza.name !== 'iq' || !payload || stream.account) return false
      const isQuery = payload.name === 'query' && payload.ns === REGISTER
      const isPreauth = payload.name === 'preauth' && payload.ns === PREAUTH
      if (!isQuery && !isPreauth) return false
      const request = readStanza(stanza, undefined) as Iq
      if (!request.isRequest) return false
      try {
        if (!open(stream)) throw new StanzaError('service-unavailable', 'Nobody can register here')
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

    function show({ from }: Request, { session }: Asked): Element {
      checkOwn(session)
      return el(
        'query',
        REGISTER,
        null,
        el('registered', REGISTER),
        el('username', REGISTER, null, from.local),
        el('password', REGISTER),
      )
    }

    /** XEP-0077 §3.2, §3.3: from an account of this host, on itself. */
    function checkOwn(session: Session | undefined): asserts session is Session {
      if (session?.host !== host || session.stream?.anonymous)
        throw new StanzaError('forbidden', 'Only your own account')
    }

    async function change({ from, payload }: Request, { session, after }: Asked): Promise<undefined> {
      checkOwn(session)
      const account = from.bare
      if (payload.child('remove')) {
        if (payload.elements().length > 1) throw new StanzaError('bad-request', 'A removal and nothing else')
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
