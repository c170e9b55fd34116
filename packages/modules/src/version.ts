import { el } from '@parley/xml'
import { defineModule, flag, iqGet } from '@xmpp/server-core'

const NS = 'jabber:iq:version'

/** Software version (XEP-0092). */
export default defineModule({
  name: 'version',
  xeps: [{ number: 92, version: '1.1' }],
  features: { host: [NS] },
  config: { hidden: flag(false, 'tell the name of the software only') },
  setup({ config, server }) {
    const answer = el(
      'query',
      NS,
      null,
      el('name', NS, null, 'Parley'),
      el('version', NS, null, config.hidden ? 'not told' : server.version),
    )
    return { iq: [iqGet('host', NS, 'query', () => answer)] }
  },
})
