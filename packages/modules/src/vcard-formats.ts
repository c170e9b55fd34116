import { NS } from '@parley/stanza'
import { type Element, el } from '@parley/xml'

/** vCards of XEP-0054, and of RFC 6351 as XEP-0292 uses them. */
export const VCARD4 = 'urn:ietf:params:xml:ns:vcard-4.0'

/** Properties of one value: their names here and there, and the type of the value there. */
const SIMPLE = [
  ['FN', 'fn', 'text'],
  ['NICKNAME', 'nickname', 'text'],
  ['BDAY', 'bday', 'date'],
  ['TZ', 'tz', 'text'],
  ['TITLE', 'title', 'text'],
  ['ROLE', 'role', 'text'],
  ['URL', 'url', 'uri'],
  ['DESC', 'note', 'text'],
  ['NOTE', 'note', 'text'],
] as const
/** The same, with the parts of their values. */
const STRUCTURED = [
  [
    'N',
    'n',
    [
      ['FAMILY', 'surname'],
      ['GIVEN', 'given'],
      ['MIDDLE', 'additional'],
      ['PREFIX', 'prefix'],
      ['SUFFIX', 'suffix'],
    ],
  ],
  [
    'ADR',
    'adr',
    [
      ['POBOX', 'pobox'],
      ['EXTADD', 'ext'],
      ['STREET', 'street'],
      ['LOCALITY', 'locality'],
      ['REGION', 'region'],
      ['PCODE', 'code'],
      ['CTRY', 'country'],
    ],
  ],
] as const
/** What has kinds, and where its value is: its address begins there with a scheme. */
const ADDRESSES = [
  ['TEL', 'NUMBER', 'tel', 'uri', 'tel:'],
  ['EMAIL', 'USERID', 'email', 'text', ''],
  ['JABBERID', undefined, 'impp', 'uri', 'xmpp:'],
] as const
const KINDS = ['HOME', 'WORK', 'VOICE', 'FAX', 'CELL', 'TEXT', 'VIDEO', 'PAGER'] as const
const VALUES = ['text', 'uri', 'date', 'date-time', 'date-and-or-time']

const TEMP_NAMES: ReadonlySet<string> = new Set([
  ...[...SIMPLE, ...STRUCTURED, ...ADDRESSES].map(([name]) => name),
  'ORG',
])
const VCARD4_NAMES: ReadonlySet<string> = new Set([
  ...[...SIMPLE, ...STRUCTURED].map(([, name]) => name),
  ...ADDRESSES.map(([, , name]) => name),
  'org',
])

/** The vCard4 that says what `card` says (XEP-0292 §10); what only a vCard4 can say stays as it was. */
export function toVCard4(card: Element, before: Element | undefined): Element {
  const found = card.elements().flatMap(property => (property.ns === NS.vcard ? newProperty(property) : []))
  return el('vcard', VCARD4, null, [...found, ...others(before, VCARD4_NAMES)])
}

/** The card that says what the vCard4 says; what only a card of XEP-0054 can say, such as its photo, stays as it was. */
export function fromVCard4(vcard: Element, before: Element | undefined): Element {
  const found = vcard.elements().flatMap(property => (property.ns === VCARD4 ? oldProperty(property) : []))
  return el('vCard', NS.vcard, null, [...found, ...others(before, TEMP_NAMES)])
}

function others(card: Element | undefined, converted: ReadonlySet<string>): Element[] {
  return card?.elements().filter(({ ns, name }) => ns !== card.ns || !converted.has(name)) ?? []
}

function newProperty(property: Element): Element[] {
  const { name } = property
  const simple = SIMPLE.find(([old]) => old === name)
  if (simple) return valued(simple[1], simple[2], property.text())
  const structured = STRUCTURED.find(([old]) => old === name)
  if (structured) {
    const parts = structured[2].map(([old, part]) => [part, property.textOf(old) ?? ''] as const)
    if (parts.every(([, text]) => text === '')) return []
    const shown = parts.map(([part, text]) => el(part, VCARD4, null, text))
    return [el(structured[1], VCARD4, null, parameters(property), shown)]
  }
  if (name === 'ORG') {
    const units = property.elements().filter(one => one.name === 'ORGNAME' || one.name === 'ORGUNIT')
    const texts = units.map(one => one.text()).filter(text => text !== '')
    return texts.length === 0
      ? []
      : [
          el(
            'org',
            VCARD4,
            null,
            texts.map(text => el('text', VCARD4, null, text)),
          ),
        ]
  }
  const address = ADDRESSES.find(([old]) => old === name)
  if (!address) return []
  const [, inside, named, type, scheme] = address
  const text = (inside === undefined ? property.text() : (property.textOf(inside) ?? '')).trim()
  return valued(named, type, text === '' || text.startsWith(scheme) ? text : `${scheme}${text}`, parameters(property))
}

function valued(name: string, type: string, text: string, more?: Element): Element[] {
  return text === '' ? [] : [el(name, VCARD4, null, more, el(type, VCARD4, null, text))]
}

function parameters(property: Element): Element | undefined {
  const kinds = KINDS.filter(kind => property.child(kind)).map(kind => el('text', VCARD4, null, kind.toLowerCase()))
  const type = kinds.length > 0 ? el('type', VCARD4, null, kinds) : undefined
  const pref = property.child('PREF') ? el('pref', VCARD4, null, el('integer', VCARD4, null, '1')) : undefined
  return type || pref ? el('parameters', VCARD4, null, type, pref) : undefined
}

function oldProperty(property: Element): Element[] {
  const { name } = property
  const simple = SIMPLE.find(([, there]) => there === name)
  if (simple) return texts(simple[0], saidIn(property))
  const structured = STRUCTURED.find(([, there]) => there === name)
  if (structured) {
    const parts = structured[2].flatMap(([old, part]) => texts(old, property.textOf(part) ?? ''))
    return parts.length === 0 ? [] : [el(structured[0], NS.vcard, null, kindsOf(property), parts)]
  }
  if (name === 'org') {
    const units = property.childrenNamed('text').map(one => one.text())
    const shown = units.map((text, n) => el(n === 0 ? 'ORGNAME' : 'ORGUNIT', NS.vcard, null, text))
    return shown.length === 0 ? [] : [el('ORG', NS.vcard, null, shown)]
  }
  const address = ADDRESSES.find(([, , there]) => there === name)
  if (!address) return []
  const [old, inside, , , scheme] = address
  const value = saidIn(property).trim()
  // Instant messages have other addresses too; a telephone number may be plain text.
  if (value === '' || (old === 'JABBERID' && !value.startsWith(scheme))) return []
  const text = scheme !== '' && value.startsWith(scheme) ? value.slice(scheme.length) : value
  return inside === undefined
    ? texts(old, text)
    : [el(old, NS.vcard, null, kindsOf(property), el(inside, NS.vcard, null, text))]
}

function texts(name: string, text: string): Element[] {
  return text === '' ? [] : [el(name, NS.vcard, null, text)]
}

function saidIn(property: Element): string {
  return (
    property
      .elements()
      .find(({ ns, name }) => ns === VCARD4 && VALUES.includes(name))
      ?.text() ?? ''
  )
}

function kindsOf(property: Element): Element[] {
  const said = property.child('parameters')
  const types =
    said
      ?.child('type')
      ?.childrenNamed('text')
      .map(one => one.text().toUpperCase()) ?? []
  const kinds: string[] = KINDS.filter(kind => types.includes(kind))
  return [...kinds, ...(said?.child('pref') ? ['PREF'] : [])].map(kind => el(kind, NS.vcard))
}
