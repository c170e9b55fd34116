import { defineModule, iqGet } from '@xmpp/server-core'

const NS = 'urn:xmpp:ping'
const pong = () => undefined

/** XEP-0199: the host and each account answer. */
export default defineModule({
  name: 'ping',
  xeps: [{ number: 199, version: '2.0.1' }],
  features: { host: [NS], account: [NS] },
  setup: () => ({ iq: [iqGet('host', NS, 'ping', pong), iqGet('account', NS, 'ping', pong)] }),
})
