import { type FieldType, type FormField, type FormOption, formField, readAddress, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'

/** One option of a room: its field in the form of XEP-0045 §10.2, its default, and how a value is read. */
export interface RoomOption<T extends string | number | boolean | readonly string[]> {
  readonly field: string
  readonly type: FieldType
  readonly label: string
  readonly options?: readonly FormOption[]
  /** What a value is to be like (XEP-0122). */
  readonly extra?: readonly Element[]
  readonly fallback: T
  /** @throws StanzaError `not-acceptable` for values that are not allowed */
  read(values: readonly string[]): T
  write(value: T): string | number | boolean | readonly string[]
  /** What the room says of itself to whoever asks (§6.4). */
  readonly feature?: (value: T) => string | undefined
}

/** The field of an option with a value. */
export function fieldOf<T extends string | number | boolean | readonly string[]>(
  { field, type, label, options, extra, write }: RoomOption<T>,
  value: T,
): FormField {
  return formField(field, type, write(value), { label, ...(options && { options }), ...(extra && { extra }) })
}

export function flag(
  field: string,
  label: string,
  fallback: boolean,
  feature?: (value: boolean) => string | undefined,
): RoomOption<boolean> {
  const read = ([value = '']: readonly string[]) => {
    if (value === '1' || value === 'true') return true
    if (value === '0' || value === 'false') return false
    throw new StanzaError('not-acceptable', `${field} is true or false`)
  }
  return { field, type: 'boolean', label, fallback, read, write: value => value, ...(feature && { feature }) }
}

export function line(
  field: string,
  label: string,
  { type = 'text-single' as FieldType, longest = 1024 } = {},
): RoomOption<string> {
  const read = (values: readonly string[]) => {
    const text = values.join('\n')
    if (text.length > longest) throw new StanzaError('not-acceptable', `${field} is too long`)
    return text
  }
  return { field, type, label, fallback: '', read, write: value => value }
}

export function choice<const T extends string>(
  field: string,
  label: string,
  all: Readonly<Record<T, string>>,
  fallback: NoInfer<T>,
  feature?: (value: NoInfer<T>) => string | undefined,
): RoomOption<T> {
  const names = Object.keys(all) as T[]
  const read = ([value]: readonly string[]) => {
    const known = names.find(name => name === value)
    if (known === undefined) throw new StanzaError('not-acceptable', `${field} is one of ${names.join(', ')}`)
    return known
  }
  const options = names.map(name => ({ value: name, label: all[name] }))
  const common = { field, type: 'list-single', label, options, fallback, read, write: (value: T) => value } as const
  return { ...common, ...(feature && { feature }) }
}

export function number(
  field: string,
  label: string,
  { fallback, most }: { readonly fallback: number; readonly most: number },
): RoomOption<number> {
  const read = ([value = '']: readonly string[]) => {
    if (!/^\d{1,9}$/.test(value) || Number(value) > most) {
      throw new StanzaError('not-acceptable', `${field} is a whole number up to ${most}`)
    }
    return Number(value)
  }
  const range = el('range', VALIDATE, { min: '0', max: String(most) })
  const extra = [el('validate', VALIDATE, { datatype: 'xs:integer' }, range)]
  return { field, type: 'text-single', label, extra, fallback, read, write: value => value }
}

/** Addresses in a list may be that many. */
const ADDRESSES = 20

export function addresses(field: string, label: string): RoomOption<readonly string[]> {
  return {
    field,
    type: 'jid-multi',
    label,
    fallback: [],
    read(values) {
      const given = values.filter(value => value.trim() !== '').map(value => readAddress(value.trim()).text)
      if (given.length > ADDRESSES) throw new StanzaError('not-acceptable', `${field} has too many addresses`)
      return [...new Set(given)]
    },
    write: value => value,
  }
}

const VALIDATE = 'http://jabber.org/protocol/xdata-validate'
const HERE = { moderator: 'Moderators', participant: 'Participants', visitor: 'Visitors' } as const

/** Some of the roles that somebody can have in a room. */
export function roles(field: string, label: string): RoomOption<readonly string[]> {
  const all = Object.keys(HERE)
  return {
    field,
    type: 'list-multi',
    label,
    options: Object.entries(HERE).map(([value, name]) => ({ value, label: name })),
    fallback: all,
    read(values) {
      if (values.some(value => !all.includes(value))) throw new StanzaError('not-acceptable', `${field} names roles`)
      return all.filter(role => values.includes(role))
    },
    write: value => value,
  }
}
