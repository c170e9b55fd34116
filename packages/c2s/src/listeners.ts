import { type AnyModule, defineModule } from '@xmpp/server-core'
import { starttls } from './starttls.ts'

/** What the listeners speak below the stanzas: direct TLS, WebSocket, host-meta, components, client certificates. */
const listening = defineModule({
  name: 'listeners',
  xeps: [
    { number: 114, version: '1.6' },
    { number: 156, version: '1.4.0', partial: 'BOSH links' },
    { number: 178, version: '1.2' },
    { number: 368, version: '1.1.0' },
  ],
  rfcs: [
    { rfc: 7395, sections: ['3'] },
    { rfc: 7590, sections: ['3'] },
  ],
  setup: () => ({}),
})

/**
 * What a server needs of this package among its modules.
 *
 * @param policy `tls.client` of the configuration: whether anything may be done without TLS
 */
export function listenerModules(policy: 'required' | 'optional'): readonly AnyModule[] {
  return [listening, starttls(policy)]
}
