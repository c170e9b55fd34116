import { type Element, el } from '@parley/xml'
import { StanzaError } from './error.ts'
import { NS } from './namespaces.ts'

export type FormType = 'form' | 'submit' | 'cancel' | 'result'

// XEP-0004 §3.3
const FIELD_TYPES = [
  'boolean',
  'fixed',
  'hidden',
  'jid-multi',
  'jid-single',
  'list-multi',
  'list-single',
  'text-multi',
  'text-private',
  'text-single',
] as const
export type FieldType = (typeof FIELD_TYPES)[number]

export interface FormOption {
  readonly value: string
  readonly label?: string
}

export interface FormField {
  /** '' only for type `fixed`. */
  readonly name: string
  /** Absent: whatever the receiver knows it to be (a submission), or one line of text (a form). */
  readonly type?: FieldType
  readonly label?: string
  readonly description?: string
  readonly required?: boolean
  readonly values: readonly string[]
  readonly options?: readonly FormOption[]
  /** Children of other namespaces, such as XEP-0122 `<validate/>`. */
  readonly extra?: readonly Element[]
}

export interface FormParts {
  readonly type: FormType
  readonly fields: readonly FormField[]
  readonly title?: string
  readonly instructions?: readonly string[]
  /** The head of a table (XEP-0004 §3.4), and its rows. */
  readonly reported?: readonly FormField[]
  readonly items?: readonly (readonly FormField[])[]
}

/** A data form (XEP-0004): immutable, fields in order. */
export class DataForm {
  readonly type: FormType
  readonly fields: readonly FormField[]
  readonly title: string | undefined
  readonly instructions: readonly string[]
  readonly reported: readonly FormField[]
  readonly items: readonly (readonly FormField[])[]

  constructor({ type, fields, title, instructions = [], reported = [], items = [] }: FormParts) {
    this.type = type
    this.fields = fields
    this.title = title
    this.instructions = instructions
    this.reported = reported
    this.items = items
  }

  /** @throws {@link StanzaError} `bad-request`: unknown type, a field without name or there twice */
  static read(x: Element): DataForm {
    const type = FORM_TYPES.find(known => known === x.attrs['type'])
    if (!type) throw new StanzaError('bad-request', 'A form needs a type that is known')
    const title = x.textOf('title')
    const reported = x.child('reported')
    return new DataForm({
      type,
      ...(title !== undefined && { title }),
      instructions: x.childrenNamed('instructions').map(line => line.text()),
      fields: readFields(x),
      reported: reported ? readFields(reported) : [],
      items: x.childrenNamed('item').map(readFields),
    })
  }

  /** XEP-0068: the namespace that gives the fields their meaning. */
  get formType(): string | undefined {
    return this.value(FORM_TYPE)
  }

  field(name: string): FormField | undefined {
    return this.fields.find(field => field.name === name)
  }

  /** The first value; undefined where the field is not there, '' where it has no value. */
  value(name: string): string | undefined {
    const field = this.field(name)
    return field && (field.values[0] ?? '')
  }

  values(name: string): readonly string[] {
    return this.field(name)?.values ?? []
  }

  /** @throws {@link StanzaError} `bad-request` where the value is not one of the four that XEP-0004 §3.3 allows */
  flag(name: string): boolean | undefined {
    const value = this.value(name)
    if (value === undefined || value === '') return undefined
    if (value === '1' || value === 'true') return true
    if (value === '0' || value === 'false') return false
    throw new StanzaError('bad-request', 'A boolean field is true or false')
  }

  toElement(): Element {
    return el(
      'x',
      NS.dataForms,
      { type: this.type },
      this.title === undefined ? undefined : el('title', NS.dataForms, null, this.title),
      this.instructions.map(line => el('instructions', NS.dataForms, null, line)),
      this.fields.map(fieldElement),
      this.reported.length === 0 ? undefined : el('reported', NS.dataForms, null, this.reported.map(fieldElement)),
      this.items.map(item => el('item', NS.dataForms, null, item.map(fieldElement))),
    )
  }
}

/**
 * The form that a client has filled in, among the children of a request; undefined where there is none. A form of type
 * `cancel` comes back as it is.
 * @throws {@link StanzaError} `bad-request` where it is no submission, or of another form type
 */
export function readSubmission(parent: Element, formType: string): DataForm | undefined {
  const x = parent.child('x', NS.dataForms)
  if (!x) return undefined
  const form = DataForm.read(x)
  if (form.type === 'cancel') return form
  if (form.type !== 'submit') throw new StanzaError('bad-request', 'The form must be a submission')
  // XEP-0068 §3.2: without a form type the context says what the form is.
  if (form.formType !== undefined && form.formType !== formType) {
    throw new StanzaError('bad-request', 'The form is for something else')
  }
  return form
}

/** A form for somebody to read: to fill in (`form`), or with results. */
export function formOf(type: 'form' | 'result', formType: string, parts: Omit<FormParts, 'type'>): DataForm {
  return new DataForm({
    ...parts,
    type,
    fields: [{ name: FORM_TYPE, type: 'hidden', values: [formType] }, ...parts.fields],
  })
}

/** One field; `value` undefined leaves it empty. */
export function formField(
  name: string,
  type: FieldType,
  value?: string | number | boolean | readonly string[],
  more: Omit<FormField, 'name' | 'type' | 'values'> = {},
): FormField {
  return { name, type, values: valuesOf(value), ...more }
}

const FORM_TYPE = 'FORM_TYPE'
const FORM_TYPES = ['form', 'submit', 'cancel', 'result'] as const

function valuesOf(value: string | number | boolean | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  if (typeof value === 'boolean') return [value ? '1' : '0']
  return typeof value === 'object' ? value : [String(value)]
}

function readFields(parent: Element): FormField[] {
  const names = new Set<string>()
  return parent.childrenNamed('field').map(element => {
    const field = readField(element)
    if (field.type === 'fixed' && field.name === '') return field
    // XEP-0004 §3.2: the name is there and is unique in the form.
    if (field.name === '') throw new StanzaError('bad-request', 'A form field needs a name')
    if (names.has(field.name)) throw new StanzaError('bad-request', 'A form field is there twice')
    names.add(field.name)
    return field
  })
}

function readField(element: Element): FormField {
  const { type, label } = element.attrs
  const description = element.textOf('desc')
  // XEP-0004 §3.3: an unknown type is read as one line of text.
  const known = type === undefined ? undefined : (FIELD_TYPES.find(name => name === type) ?? 'text-single')
  const options = element.childrenNamed('option').map(readOption)
  const extra = element.elements().filter(child => child.ns !== NS.dataForms)
  return {
    name: element.attrs['var'] ?? '',
    ...(known !== undefined && { type: known }),
    ...(label !== undefined && { label }),
    ...(description !== undefined && { description }),
    ...(element.child('required') && { required: true }),
    values: element.childrenNamed('value').map(value => value.text()),
    ...(options.length > 0 && { options }),
    ...(extra.length > 0 && { extra }),
  }
}

function readOption(element: Element): FormOption {
  const { label } = element.attrs
  const value = element.textOf('value') ?? ''
  return label === undefined ? { value } : { value, label }
}

function fieldElement(field: FormField): Element {
  const { name, type, label, description, required, values, options = [], extra } = field
  return el(
    'field',
    NS.dataForms,
    { var: name === '' ? undefined : name, type, label },
    description === undefined ? undefined : el('desc', NS.dataForms, null, description),
    required ? el('required', NS.dataForms) : undefined,
    values.map(value => el('value', NS.dataForms, null, value)),
    options.map(option =>
      el('option', NS.dataForms, { label: option.label }, el('value', NS.dataForms, null, option.value)),
    ),
    extra,
  )
}
