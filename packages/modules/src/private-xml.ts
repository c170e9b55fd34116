import type { Jid } from '@parley/jid'
import { StanzaError } from '@parley/stanza'
import { type Element, el, parseElement, serialize } from '@parley/xml'
import { defineModule, integer, iqGet, iqSet, map, type Request } from '@xmpp/server-core'

const NS = 'jabber:iq:private'
/** What an index of the store takes, with some room. */
const KEY_BYTES = 1000

/** An element that is kept in another place too. */
export interface SharedElement {
  /** What its owner is shown for what is stored here. */
  read(account: Jid, stored: Element | undefined): Promise<Element | undefined>
  written(account: Jid, element: Element): Promise<void>
}

export interface PrivateXml {
  share(ns: string, name: string, shared: SharedElement): void
}

/** Private XML storage (XEP-0049): one element for each name and namespace, for its owner alone. */
export default defineModule({
  name: 'private-xml',
  xeps: [{ number: 49, version: '1.2' }],
  features: { account: [NS] },
  config: { elements: integer(100, 1, 10_000, 'elements that one account may store') },
  stores: { elements: map<string>() },
  setup({ config, stores }) {
    const shared = new Map<string, SharedElement>()

    async function get({ to, payload }: Request) {
      const asked = onlyChild(payload)
      const key = keyOf(asked)
      const xml = Buffer.byteLength(key) > KEY_BYTES ? undefined : await stores.elements.get(to.text, key)
      const stored = xml === undefined ? undefined : parseElement(xml)
      const other = shared.get(key)
      const shown = other ? await other.read(to, stored) : stored
      return el('query', NS, null, shown ?? el(asked.name, asked.ns))
    }

    async function set({ to, payload }: Request) {
      const given = payload.elements()
      if (given.length === 0) throw new StanzaError('bad-request', 'Nothing to store')
      // XEP-0049 §2.1: each element has a namespace of its own.
      if (given.some(({ ns }) => ns === NS)) throw new StanzaError('not-acceptable', 'An element without a namespace')
      if (given.some(element => Buffer.byteLength(keyOf(element)) > KEY_BYTES))
        throw new StanzaError('not-acceptable', 'The name of an element is too long')
      const keys = new Set([...(await stores.elements.keys(to.text)), ...given.map(keyOf)])
      if (keys.size > config.elements) throw new StanzaError('resource-constraint', 'Too many elements are stored')
      for (const element of given) {
        await stores.elements.set(to.text, keyOf(element), serialize(element))
        await shared.get(keyOf(element))?.written(to, element)
      }
      return undefined
    }

    return {
      iq: [iqGet('self', NS, 'query', get), iqSet('self', NS, 'query', set)],
      api: { share: (ns, name, other) => void shared.set(keyOf({ ns, name }), other) } satisfies PrivateXml,
    }
  },
})

/** XEP-0049 §2.2: one element is asked for at a time. */
function onlyChild(query: Element): Element {
  const children = query.elements()
  if (children.length !== 1) throw new StanzaError('bad-request', 'One element is asked for at a time')
  return children[0]!
}

function keyOf({ ns, name }: Pick<Element, 'ns' | 'name'>): string {
  return JSON.stringify([ns, name])
}
