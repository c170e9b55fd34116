import {
  type DataForm,
  formField,
  formOf,
  type PageRequest,
  parseDateTime,
  readAddress,
  readRsm,
  readSubmission,
  StanzaError,
} from '@parley/stanza'
import { idFromText, idText, type LogFilter } from '@parley/store'
import { type Element, el } from '@parley/xml'
import { isDescending, turned } from './archive-order.ts'

export const MAM = 'urn:xmpp:mam:2'
export const FULLTEXT = 'urn:xmpp:fulltext:0'
/** XEP-0431 §3.1 */
const TEXT = `{${FULLTEXT}}fulltext`

/** What a client asks an archive for (XEP-0313 §4). */
export interface ArchiveQuery {
  readonly queryId: string | undefined
  readonly filter: LogFilter
  /** What must be in the body; undefined: anything. */
  readonly text: string | undefined
  /** As rows lie, oldest first. */
  readonly page: PageRequest
  /** Every id that the query speaks of: all of them must be in the archive. */
  readonly references: readonly bigint[]
  /** Newest first on the wire, within the page (§4.3.4). */
  readonly flipped: boolean
  /** The newest comes first in the archive, and pages follow one another to the oldest (XEP-0413). */
  readonly descending: boolean
}

/**
 * @throws StanzaError `bad-request` or `jid-malformed` for a value that cannot be, `item-not-found` for an id that was
 * never ours, `feature-not-implemented` for a field or a way of paging that is not known here
 */
export function readQuery(query: Element): ArchiveQuery {
  const form = readSubmission(query, MAM)
  const descending = isDescending(query)
  const page = turned(readRsm(query), descending)
  if (page.index !== undefined) {
    throw new StanzaError('feature-not-implemented', 'An archive has no pages by position')
  }
  const { filter, references } = form ? readFilter(form) : { filter: {}, references: [] }
  const places = [page.after, page.before].filter(id => id !== undefined && id !== '')
  return {
    queryId: query.attrs['queryid'],
    filter,
    text: form && filled(form, TEXT),
    page,
    references: [...references, ...places.map(id => readId(id!))],
    flipped: (query.child('flip-page') !== undefined) !== descending,
    descending,
  }
}

/** The message behind which a client reads the whole archive on; undefined where it looks for something else. */
export function readOnFrom({ filter, text, page, descending }: ArchiveQuery): bigint | undefined {
  const { afterId, ...narrower } = filter
  if (descending || text !== undefined || Object.keys(narrower).length > 0) return undefined
  return page.after === undefined ? afterId : idFromText(page.after)
}

/** The same, from another place; its own is among the references still. */
export function readingOnFrom({ filter, page, ...rest }: ArchiveQuery, id: bigint): ArchiveQuery {
  const { afterId: _, ...wider } = filter
  return { ...rest, filter: wider, page: { ...page, after: idText(id) } }
}

/** The fields that {@link readQuery} knows (§4.1.5). */
export function queryForm(): Element {
  const open = el('validate', VALIDATE, { datatype: 'xs:string' }, el('open', VALIDATE))
  return formOf('form', MAM, {
    fields: [
      formField('with', 'jid-single'),
      formField('start', 'text-single'),
      formField('end', 'text-single'),
      formField('before-id', 'text-single'),
      formField('after-id', 'text-single'),
      formField('ids', 'list-multi', undefined, { extra: [open] }),
      formField('include-groupchat', 'boolean'),
      formField(TEXT, 'text-single'),
    ],
  }).toElement()
}

const VALIDATE = 'http://jabber.org/protocol/xdata-validate'
const KNOWN: ReadonlySet<string> = new Set([
  'FORM_TYPE',
  'with',
  'start',
  'end',
  'before-id',
  'after-id',
  'ids',
  'include-groupchat',
  TEXT,
])

function readFilter(form: DataForm): { readonly filter: LogFilter; readonly references: readonly bigint[] } {
  // §4.1.5: what is not understood must not be ignored.
  if (form.fields.some(({ name }) => !KNOWN.has(name))) {
    throw new StanzaError('feature-not-implemented', 'The archive does not know that field')
  }
  const partner = filled(form, 'with')
  const start = readTime(filled(form, 'start'))
  const end = readTime(filled(form, 'end'))
  const [afterId] = readIds(filled(form, 'after-id'))
  const [beforeId] = readIds(filled(form, 'before-id'))
  const ids = readIds(...form.values('ids'))
  return {
    filter: {
      ...(partner !== undefined && { with: readPartner(partner) }),
      ...(start !== undefined && { start }),
      ...(end !== undefined && { end }),
      ...(afterId !== undefined && { afterId }),
      ...(beforeId !== undefined && { beforeId }),
      ...(form.field('ids') && { ids }),
      ...(form.flag('include-groupchat') === false && { groupchat: false }),
    },
    references: [afterId, beforeId, ...ids].filter(id => id !== undefined),
  }
}

/** Clients send fields that they leave empty. */
function filled(form: DataForm, name: string): string | undefined {
  return form.value(name) || undefined
}

/** §4.1.1: a bare JID stands for all its resources. */
function readPartner(text: string): NonNullable<LogFilter['with']> {
  const jid = readAddress(text)
  return jid.isBare ? { peer: jid.text } : { peer: jid.bare.text, resource: jid.resource }
}

function readTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = parseDateTime(text)
  if (time === undefined) throw new StanzaError('bad-request', 'A time in the query is not a DateTime of XEP-0082')
  return time
}

function readIds(...texts: readonly (string | undefined)[]): readonly bigint[] {
  return texts.filter(text => text !== undefined).map(readId)
}

function readId(text: string): bigint {
  const id = idFromText(text)
  if (id === undefined) throw notFound()
  return id
}

/** §4.1.3, §4.3.2 */
export function notFound(): StanzaError {
  return new StanzaError('item-not-found', 'The archive has no message of that id')
}
