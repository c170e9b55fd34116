import { StanzaError } from '@parley/stanza'
import { parseElement, serialize } from '@parley/xml'
import { defineModule, integer, iqGet, iqSet, map, type Request } from '@xmpp/server-core'

const NS = 'vcard-temp'
const KEY = 'vcard'

/** vCards (XEP-0054): one for each account, readable by everybody. */
export default defineModule({
  name: 'vcard',
  xeps: [{ number: 54, version: '1.3.0' }],
  features: { host: [NS], account: [NS] },
  config: { bytes: integer(200_000, 1000, 16_000_000, 'size of a vCard, its photo included') },
  stores: { vcards: map<string>() },
  setup({ config, stores: { vcards } }) {
    async function get({ from, to }: Request) {
      const xml = await vcards.get(to.text, KEY)
      if (xml !== undefined) return parseElement(xml)
      // XEP-0054 §3.3: an account without a vCard looks like no account, but to its owner.
      if (!from.bare.equals(to)) throw new StanzaError('service-unavailable')
      throw new StanzaError('item-not-found', 'You have no vCard yet')
    }

    async function set({ to, payload }: Request) {
      const xml = serialize(payload)
      if (Buffer.byteLength(xml) > config.bytes) throw new StanzaError('not-acceptable', 'The vCard is too large')
      await vcards.set(to.text, KEY, xml)
      return undefined
    }

    return { iq: [iqGet('account', NS, 'vCard', get), iqSet('self', NS, 'vCard', set)] }
  },
})
