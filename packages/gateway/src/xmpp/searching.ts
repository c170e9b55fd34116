import type { Profile } from '@parley/adapter'
import { StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type IqRoute, iqGet, iqSet, type Request } from '@xmpp/server-core'
import { clean, cleanLine } from '../engine/text/clean.ts'
import { SEARCH } from './discovering.ts'
import type { Network } from './network.ts'

/** Finding people there (XEP-0055), with the words that the network looks for. */
export function searching(net: Network): IqRoute[] {
  function fields(): Element {
    check()
    return el(
      'query',
      SEARCH,
      null,
      el('instructions', SEARCH, null, 'Enter a name or an address.'),
      el('nick', SEARCH),
    )
  }

  async function search({ from, payload }: Request): Promise<Element> {
    check()
    const { house, provider } = net
    const user = from.bare
    await house.access.check(provider, user, 'search')
    const words = payload.elements().map(field => field.text().trim())
    const query = words.filter(word => word !== '').join(' ')
    if (query === '') throw new StanzaError('not-acceptable', 'Say what is to be searched for')
    const found = await house.engine.run(net.keyOf(user), 'search', cleanLine(query), net.by(user))
    return el('query', SEARCH, null, found.map(item))
  }

  function item(profile: Profile): Element | undefined {
    const jid = net.addresses.of(profile.id)
    if (!jid) return undefined
    const { givenName, familyName, nick, name, mail } = profile
    const field = (tag: string, text: string | undefined) =>
      el(tag, SEARCH, null, text === undefined ? '' : clean(text))
    return el(
      'item',
      SEARCH,
      { jid },
      field('first', givenName),
      field('last', familyName),
      field('nick', nick ?? name),
      field('email', mail),
    )
  }

  function check(): void {
    if (!net.can('search', 'out')) throw new StanzaError('feature-not-implemented', 'Nobody can be searched for there')
  }

  return [iqGet('host', SEARCH, 'query', fields), iqSet('host', SEARCH, 'query', search)]
}
