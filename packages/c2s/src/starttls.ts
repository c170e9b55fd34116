import { NS } from '@parley/stanza'
import { el } from '@parley/xml'
import { type ClientStream, defineModule } from '@xmpp/server-core'

const required = el('starttls', NS.tls, null, el('required', NS.tls))
const optional = el('starttls', NS.tls)

/**
 * STARTTLS for clients.
 *
 * @param policy `tls.client` of the configuration: whether anything may be done without it
 */
export function starttls(policy: 'required' | 'optional') {
  return defineModule({
    name: 'starttls',
    rfcs: [{ rfc: 6120, sections: ['5'] }],
    setup: () => ({
      stream: [
        {
          order: 'tls',
          ns: NS.tls,
          advertise: ({ wire, account }) => {
            if (!wire.canStartTls || account) return undefined
            return policy === 'required' ? required : optional
          },
          receive: (stream, { name }) => {
            if (name === 'starttls' && stream.wire.canStartTls && !stream.account) proceed(stream)
            else refuse(stream)
          },
        },
      ],
    }),
  })
}

function proceed(stream: ClientStream): void {
  stream.send(el('proceed', NS.tls))
  stream.startTls()
}

/** RFC 6120 §5.4.2.2: a failure, the end of the stream, and the end of the connection. */
function refuse(stream: ClientStream): void {
  stream.send(el('failure', NS.tls))
  stream.closed()
}
