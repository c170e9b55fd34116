import { type FastRequest, newToken, SaslError } from '@parley/sasl'
import { formatDateTime } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type ClientStream, defineModule, period } from '@xmpp/server-core'
import authentication from './authentication.ts'
import sasl2 from './sasl2.ts'
import type { Login } from './sasl2-extension.ts'

const FAST = 'urn:xmpp:fast:0'

/** Fast reauthentication with tokens instead of passwords (XEP-0484). */
export default defineModule({
  name: 'fast',
  xeps: [{ number: 484, version: '0.2.0' }],
  uses: { authentication, sasl2 },
  config: {
    life: period('30d', 'how long a token is good'),
    rotate: period('1d', 'age at which a token is exchanged for a new one'),
  },
  setup({ uses: { authentication, sasl2 }, store, clock, config }) {
    const tokens = store.tokens.fast
    const mechanisms = (stream: ClientStream) => authentication.offer(stream).tokenMechanisms

    function inline(stream: ClientStream): Element | undefined {
      const names = mechanisms(stream)
      if (names.length === 0) return undefined
      return el(
        'fast',
        FAST,
        null,
        names.map(name => el('mechanism', FAST, null, name)),
      )
    }

    function begin(login: Login): void {
      const wanted = login.request.child('request-token', FAST)
      if (wanted && !mechanisms(login.stream).includes(wanted.attrs['mechanism'] ?? '')) {
        throw new SaslError('invalid-mechanism', 'no tokens for that mechanism')
      }
      const fast = login.request.child('fast', FAST)
      // XEP-0484 §4.1: a token belongs to one client.
      if ((fast || wanted) && login.agent === undefined) {
        throw new SaslError('malformed-request', 'tokens need the id of the user agent')
      }
      if (fast) login.fast = requestOf(login, fast)
    }

    async function finish(login: Login): Promise<readonly Element[]> {
      const { success, stream, agent, request } = login
      if (!success || success.anonymous || agent === undefined) return []
      const owner = stream.account!.text
      const redeemed = success.token !== undefined
      // XEP-0484 §3.6
      const invalidate = redeemed && isTrue(request.child('fast', FAST)?.attrs['invalidate'])
      if (invalidate) await tokens.revoke(owner, agent)
      const wanted = request.child('request-token', FAST)?.attrs['mechanism']
      const mechanism = wanted ?? (redeemed && !invalidate && (await isOld(owner, agent)) ? login.mechanism : undefined)
      if (mechanism === undefined) return []
      const token = newToken()
      const expires = clock.now() + config.life
      await tokens.issue(owner, agent, { mechanism, secret: Buffer.from(token), expires })
      return [el('token', FAST, { token, expiry: formatDateTime(expires) })]
    }

    /** After its use a token is the `current` one (XEP-0484 §5.1). */
    async function isOld(owner: string, agent: string): Promise<boolean> {
      const current = (await tokens.valid(owner, agent)).find(({ slot }) => slot === 'current')
      return current !== undefined && current.created + config.rotate <= clock.now()
    }

    sasl2.extend({ order: 'last', inline, mechanisms, begin, finish })
    return {}
  },
})

function requestOf({ stream, agent }: Login, { attrs }: Element): FastRequest {
  const base = { client: agent!, earlyData: stream.wire.tls?.earlyData ?? false }
  const count = attrs['count']
  if (count === undefined) return base
  if (!/^\d{1,10}$/.test(count)) throw new SaslError('malformed-request', 'the count of a token is a whole number')
  return { ...base, count: Number(count) }
}

function isTrue(value: string | undefined): boolean {
  return value === 'true' || value === '1'
}
