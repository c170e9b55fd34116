import { NS, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'

/** What service discovery says of one command (XEP-0050 §2.3). */
export function commandInfo(name: string, node?: string): Element {
  return info('command-node', name, [NS.commands, NS.dataForms], node)
}

/** The same of the list that commands are in (§2.2). */
export function commandsInfo(): Element {
  return info('command-list', 'Commands', [NS.commands])
}

/** A command that goes on, or is over (§3.2). */
export function commandAnswer(
  node: string,
  sessionid: string,
  status: 'executing' | 'completed' | 'canceled',
  ...content: readonly (Element | undefined)[]
): Element {
  return el('command', NS.commands, { node, sessionid, status }, content)
}

/** A form is to be filled in, and nothing comes behind it (§3.4). */
export function onlyStage(): Element {
  return el('actions', NS.commands, { execute: 'complete' }, el('complete', NS.commands))
}

/** §4.4 */
export function commandRefusal(condition: string, text: string): StanzaError {
  return new StanzaError('bad-request', text, { extra: [el(condition, NS.commands)] })
}

function info(type: string, name: string, features: readonly string[], node?: string): Element {
  return el(
    'query',
    NS.discoInfo,
    { node },
    el('identity', NS.discoInfo, { category: 'automation', type, name }),
    features.map(feature => el('feature', NS.discoInfo, { var: feature })),
  )
}
