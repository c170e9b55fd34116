import type { Random } from '../xml/mutate.ts'

/** Payloads that somebody answers or looks at: a namespace and names at home there, but none that ends an account. */
const PAYLOADS: readonly (readonly [ns: string, ...names: string[]])[] = [
  ['jabber:iq:roster', 'query', 'item', 'group'],
  ['jabber:iq:private', 'query'],
  ['jabber:iq:register', 'query', 'username', 'key'],
  ['jabber:iq:last', 'query'],
  ['jabber:iq:version', 'query'],
  ['vcard-temp', 'vCard', 'FN', 'PHOTO', 'BINVAL'],
  ['urn:xmpp:ping', 'ping'],
  ['urn:xmpp:time', 'time'],
  ['urn:xmpp:blocking', 'block', 'unblock', 'blocklist', 'item'],
  ['urn:xmpp:carbons:2', 'enable', 'disable', 'private', 'sent', 'received'],
  ['urn:xmpp:mam:2', 'query', 'metadata', 'prefs', 'flip-page', 'default', 'always', 'never', 'fin', 'result'],
  ['http://jabber.org/protocol/disco#info', 'query', 'identity', 'feature'],
  ['http://jabber.org/protocol/disco#items', 'query', 'item'],
  ['http://jabber.org/protocol/commands', 'command', 'actions', 'note'],
  ['http://jabber.org/protocol/rsm', 'set', 'max', 'after', 'before', 'index', 'first', 'last', 'count'],
  ['jabber:x:data', 'x', 'field', 'value', 'option', 'required', 'title'],
  ['urn:ietf:params:xml:ns:xmpp-bind', 'bind', 'resource', 'jid'],
  ['urn:ietf:params:xml:ns:xmpp-session', 'session'],
  ['urn:ietf:params:xml:ns:xmpp-stanzas', 'service-unavailable', 'text', 'gone'],
  ['http://jabber.org/protocol/caps', 'c'],
  ['http://jabber.org/protocol/chatstates', 'active', 'composing', 'gone'],
  ['http://jabber.org/protocol/muc', 'x', 'password', 'history'],
  ['http://jabber.org/protocol/pubsub', 'pubsub', 'publish', 'items', 'item'],
  ['urn:xmpp:hints', 'store', 'no-store', 'no-copy', 'no-permanent-store'],
  ['urn:xmpp:sid:0', 'stanza-id', 'origin-id'],
  ['urn:xmpp:delay', 'delay'],
  ['urn:xmpp:forward:0', 'forwarded'],
  ['urn:xmpp:receipts', 'request', 'received'],
  ['urn:xmpp:avatar:data', 'data'],
  ['jabber:client', 'body', 'subject', 'thread', 'show', 'status', 'priority', 'error', 'message', 'iq', 'presence'],
]
const TYPES = ['get', 'set', 'result', 'error', 'chat', 'normal', 'groupchat', 'headline', 'available', 'unavailable']
const SUBSCRIPTIONS = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', '', 'x']
const ADDRESSES = [
  ...[
    'localhost',
    'romeo@localhost',
    'juliet@localhost',
    'romeo@localhost/a',
    'nobody@localhost',
    'nobody@localhost/x',
  ],
  ...[
    'elsewhere.test',
    'a@elsewhere.test/b',
    '@',
    'a@',
    '@b',
    'a@b@c',
    ' ',
    'localhost/',
    '\u202e@localhost',
    'x@-',
    '[::1]',
  ],
  ...[
    `${'x'.repeat(1024)}@localhost`,
    `romeo@localhost/${'\u00e9'.repeat(600)}`,
    '__proto__@localhost',
    'LOCALHOST',
    'localhost.',
  ],
]
const VALUES = [
  ...[
    '',
    '0',
    '1',
    '-1',
    '50',
    '99999999999999999999',
    '1e9',
    'NaN',
    'true',
    'false',
    'x',
    ' ',
    '\u{1f600}',
    '\u0301',
    '\ufffd',
  ],
  ...[
    'both',
    'remove',
    'subscribe',
    'submit',
    'form',
    'cancel',
    'hidden',
    'FORM_TYPE',
    'with',
    'start',
    'end',
    'before-id',
    'ids',
  ],
  ...[
    'urn:xmpp:mam:2',
    'sha-1',
    'execute',
    'complete',
    '2026-01-01T00:00:00Z',
    '0000-00-00T99:99:99Z',
    '__proto__',
    'constructor',
  ],
  ...['x'.repeat(3000), '&lt;&amp;&gt;', "'; DROP TABLE account; --", '%00', '../../etc/passwd', '\u0085\u2028'],
]
const ATTRIBUTES = [
  ...[
    'to',
    'from',
    'id',
    'type',
    'jid',
    'name',
    'ver',
    'node',
    'action',
    'sessionid',
    'subscription',
    'ask',
    'approved',
    'var',
    'by',
  ],
  ...['hash', 'stamp', 'queryid', 'h', 'resume', 'xml:lang', 'max', 'code', 'status'],
]
const NONZAS = [
  '<r xmlns="urn:xmpp:sm:3"/>',
  '<enable xmlns="urn:xmpp:sm:3" resume="true"/>',
  '<a xmlns="urn:xmpp:sm:3" h="0"/>',
  '<active xmlns="urn:xmpp:csi:0"/>',
  '<inactive xmlns="urn:xmpp:csi:0"/>',
]

/** Any stanza that XML allows, mostly of the kind that somebody looks at; now and then another element. */
export function anyStanza(random: Random, id: string): string {
  const pick = (list: readonly string[]) => list[random(list.length)]!
  if (random(50) === 0) return pick(NONZAS)
  const name = ['message', 'presence', 'iq', 'iq'][random(4)]!
  // Requests are what handlers answer.
  const type = name === 'iq' && random(4) > 0 ? pick(['get', 'set']) : pick(random(3) ? TYPES : SUBSCRIPTIONS)
  let head = `<${name} id="${id}"`
  if (random(8) > 0) head += ` type="${type}"`
  if (random(3) > 0) head += ` to="${pick(random(3) ? ADDRESSES.slice(0, 6) : ADDRESSES)}"`
  const children = name === 'iq' ? (random(10) ? 1 : random(3)) : random(4)
  let xml = `${head}>`
  for (let n = 0; n < children; n++) xml += payload(random, 0)
  return `${xml}</${name}>`
}

function payload(random: Random, depth: number): string {
  const pick = (list: readonly string[]) => list[random(list.length)]!
  const [ns, ...names] = PAYLOADS[random(PAYLOADS.length)]!
  return element(depth === 0 && random(5) > 0 ? names[0]! : pick(names), ` xmlns="${ns}"`)

  function element(name: string, xmlns: string): string {
    let xml = `<${name}${xmlns}`
    for (const attribute of ATTRIBUTES) {
      if (random(12) === 0) xml += ` ${attribute}="${pick(random(2) ? VALUES : ADDRESSES)}"`
    }
    xml += '>'
    for (let children = depth > 3 ? 0 : random(4); children > 0; children--) {
      depth++
      const kind = random(6)
      if (kind === 0) xml += pick(VALUES)
      else if (kind === 1) xml += payload(random, depth)
      else xml += element(pick(names), '')
      depth--
    }
    return `${xml}</${name}>`
  }
}
