import { StanzaError } from '@parley/stanza'
import { defineModule, iqGet, type Request } from '@xmpp/server-core'
import roster from './roster.ts'

const NS = 'urn:xmpp:ping'

/** XEP-0199: the host answers, and accounts answer those who may see them; others would learn that they exist. */
export default defineModule({
  name: 'ping',
  xeps: [{ number: 199, version: '2.0.1' }],
  features: { host: [NS], account: [NS] },
  uses: { roster },
  setup({ uses: { roster } }) {
    async function pongOfAccount({ from, to }: Request): Promise<undefined> {
      if (!from.bare.equals(to) && !(await roster.mayWatch(to, from))) throw new StanzaError('service-unavailable')
      return undefined
    }
    return { iq: [iqGet('host', NS, 'ping', () => undefined), iqGet('account', NS, 'ping', pongOfAccount)] }
  },
})
