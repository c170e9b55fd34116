import type { Element } from '@parley/xml'
import { el } from '@parley/xml'
import { type Awaitable, bound2, type ClientStream, defineModule, on, type Session } from '@xmpp/server-core'
import bind2 from './bind2.ts'

const CSI = 'urn:xmpp:csi:0'

/**
 * Client state indication (XEP-0352): while a client says that nobody looks at it, what can wait does wait. What can is
 * marked where packets are made; here is only the switch. A resumed stream is active again (§5.2).
 */
export default defineModule({
  name: 'client-state',
  xeps: [{ number: 352, version: '1.0.0' }],
  uses: { bind2 },
  setup({ live, uses: { bind2 } }) {
    bind2.offer(CSI)

    const turn = ({ sid }: Session, { name }: Element): Awaitable<void> => live.quiet(sid, name === 'inactive')

    function receive(stream: ClientStream, element: Element): Awaitable<void> {
      if (element.name !== 'active' && element.name !== 'inactive') {
        return stream.fail('unsupported-stanza-type', 'Only <active/> and <inactive/>')
      }
      if (!stream.session) return stream.fail('not-authorized', 'Bind a resource first')
      return turn(stream.session, element)
    }

    return {
      stream: [{ order: 'info', ns: CSI, advertise: stream => (stream.account ? el('csi', CSI) : undefined), receive }],
      on: [
        on(bound2, 'observe', ({ session, request }): Awaitable<void> => {
          const state = request.child('inactive', CSI)
          if (state) return turn(session, state)
        }),
      ],
    }
  },
})
