import { Body, NS } from '@parley/stanza'
import type { Node } from '@parley/xml'
import { defineModule, type Outbound, on, only, outbound, type Verdict } from '@xmpp/server-core'

/** Delayed delivery (XEP-0203): only the server says when the server got something, so clients cannot say it in its name. */
export default defineModule({
  name: 'delayed-delivery',
  xeps: [{ number: 203, version: '2.0' }],
  features: { host: [NS.delay] },
  setup({ host }) {
    const isForged = (node: Node) =>
      typeof node !== 'string' &&
      node.name === 'delay' &&
      node.ns === NS.delay &&
      node.attrs['from']?.toLowerCase() === host.domain

    return {
      on: [
        on(
          outbound,
          'rewrite',
          only<'message', Outbound>('message', ({ stanza }): Verdict => {
            if (!stanza.children.some(isForged)) return
            return { replace: stanza.withBody(Body.of(stanza.children.filter(node => !isForged(node)))) }
          }),
        ),
      ],
    }
  },
})
