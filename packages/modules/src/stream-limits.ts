import { Body, Iq, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type ClientStream, defineModule, period } from '@xmpp/server-core'

const LIMITS = 'urn:xmpp:stream-limits:0'
const PING = 'urn:xmpp:ping'
/** A look at every stream this often in the time that it may be idle: one timer for all, nothing to do for each stanza. */
const ROUNDS = 4
/** The server's own limit on negotiation, which is all that a stream without a login has. */
const NEGOTIATION = 60_000

/**
 * What a stream takes (XEP-0478), and what becomes of one from which nothing is heard: it is pinged, and taken for lost
 * where it does not answer (RFC 6120 §4.6.4). White space keeps a connection open but says nothing of who is behind it.
 */
export default defineModule({
  name: 'stream-limits',
  xeps: [{ number: 478, version: '0.2.0' }],
  rfcs: [{ rfc: 6120, sections: ['4.6'] }],
  config: { idle: period('10m', 'how long a client may be silent before it is pinged; 0s: for ever') },
  setup({ clock, config, server, host, request }) {
    const silent = new WeakMap<ClientStream, number>()

    function advertise(stream: ClientStream): Element {
      const idle = stream.account ? config.idle : NEGOTIATION
      return el(
        'limits',
        LIMITS,
        null,
        el('max-bytes', LIMITS, null, stream.maxBytes),
        idle > 0 && el('idle-seconds', LIMITS, null, Math.floor(idle / 1000)),
      )
    }

    function round(): void {
      for (const stream of server.streams) {
        if (stream.host !== host || !stream.session) continue
        const rounds = stream.heard ? 0 : (silent.get(stream) ?? 0) + 1
        stream.heard = false
        silent.set(stream, rounds)
        if (rounds === ROUNDS) ping(stream)
        if (rounds > ROUNDS) stream.fail('connection-timeout', 'Nothing was heard for too long')
      }
    }

    function ping(stream: ClientStream): void {
      const question = new Iq({ type: 'get', to: stream.session!.jid }, Body.of([el('ping', PING)]))
      // Any answer will do, an error too; that there is none shows in the next round.
      request(question).catch((error: unknown) => {
        if (!(error instanceof StanzaError)) host.log.error('a client could not be pinged', { error })
      })
    }

    const stop = config.idle > 0 ? clock.every(config.idle / ROUNDS, round) : () => {}
    return { stream: [{ order: 'info', advertise }], stop }
  },
})
