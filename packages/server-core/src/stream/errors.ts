import { NS } from '@parley/stanza'
import { type Element, el, serialize } from '@parley/xml'

/** RFC 6120 §4.9.3. */
export type StreamCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'conflict'
  | 'connection-timeout'
  | 'host-gone'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'invalid-from'
  | 'invalid-namespace'
  | 'invalid-xml'
  | 'not-authorized'
  | 'not-well-formed'
  | 'policy-violation'
  | 'remote-connection-failed'
  | 'reset'
  | 'resource-constraint'
  | 'restricted-xml'
  | 'see-other-host'
  | 'system-shutdown'
  | 'undefined-condition'
  | 'unsupported-encoding'
  | 'unsupported-feature'
  | 'unsupported-stanza-type'
  | 'unsupported-version'

/** The children of `<stream:error/>`. */
export function streamErrorXml(condition: StreamCondition, text = '', extra?: Element): string {
  const parts = [
    el(condition, NS.streamErrors),
    ...(text === '' ? [] : [el('text', NS.streamErrors, { 'xml:lang': 'en' }, text)]),
    ...(extra ? [extra] : []),
  ]
  return parts.map(part => serialize(part, '')).join('')
}
