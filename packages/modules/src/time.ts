import { formatDateTime } from '@parley/stanza'
import { el } from '@parley/xml'
import { defineModule, iqGet } from '@xmpp/server-core'

const NS = 'urn:xmpp:time'

/** Entity time (XEP-0202). The server's zone is nobody's business: it tells UTC. */
export default defineModule({
  name: 'time',
  xeps: [{ number: 202, version: '2.0' }],
  features: { host: [NS] },
  setup: ({ clock }) => ({
    iq: [
      iqGet('host', NS, 'time', () =>
        el('time', NS, null, el('tzo', NS, null, 'Z'), el('utc', NS, null, formatDateTime(clock.now()))),
      ),
    ],
  }),
})
