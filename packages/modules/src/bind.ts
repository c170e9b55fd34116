import { JidError } from '@parley/jid'
import { errorOf, type Iq, NS, readStanza, resultOf, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type ClientStream, defineModule } from '@xmpp/server-core'

const SESSION = 'urn:ietf:params:xml:ns:xmpp-session'

/** Resource binding (RFC 6120 §7), and the session request of RFC 3921 that old clients still send. */
export default defineModule({
  name: 'bind',
  rfcs: [{ rfc: 6120, sections: ['7.6', '7.7'] }],
  setup({ live, server }) {
    const offered = (stream: ClientStream) => stream.account !== undefined && stream.session === undefined

    async function bind(stream: ClientStream, request: Iq): Promise<Element> {
      const account = stream.account!
      const resource = request.payload.textOf('resource') ?? ''
      // RFC 6120 §7.6.2.1
      const sessions = await live.sessions(account)
      if (sessions.length >= server.config.limits.resources && !sessions.some(({ jid }) => jid.resource === resource)) {
        throw new StanzaError('resource-constraint', 'Too many sessions of this account')
      }
      const session = await server.bind(stream, resource)
      return el('bind', NS.bind, null, el('jid', NS.bind, null, session.jid.text))
    }

    async function unbound(stream: ClientStream, stanza: Element): Promise<boolean> {
      const payload = stanza.firstElement()
      if (!stream.account || stanza.name !== 'iq' || stanza.attrs['type'] !== 'set' || payload?.ns !== NS.bind)
        return false
      const request = readStanza(stanza, undefined) as Iq
      try {
        const result = resultOf(request, await bind(stream, request))
        stream.wire.stanza(result.toXml())
        stream.session?.uncork()
      } catch (error) {
        const refusal = error instanceof JidError ? new StanzaError('bad-request', error.message) : error
        if (!(refusal instanceof StanzaError)) throw error
        stream.wire.stanza(errorOf(request, refusal).toXml())
      }
      return true
    }

    return {
      iq: [
        // RFC 6120 §7.6: a second bind on one stream is not possible.
        { target: 'self', type: 'set', ns: NS.bind, name: 'bind', answer: () => refuseSecond() },
        { target: 'self', type: 'set', ns: SESSION, name: 'session', answer: () => undefined },
        { target: 'host', type: 'set', ns: SESSION, name: 'session', answer: () => undefined },
      ],
      stream: [
        { order: 'bind', advertise: stream => (offered(stream) ? el('bind', NS.bind) : undefined), unbound },
        {
          order: 'bound',
          advertise: stream => (offered(stream) ? el('session', SESSION, null, el('optional', SESSION)) : undefined),
        },
      ],
    }
  },
})

function refuseSecond(): never {
  throw new StanzaError('not-allowed', 'This stream has its resource')
}
