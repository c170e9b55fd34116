import { DataForm, type FieldType, type FormField, formField } from '@parley/stanza'
import type { Element } from '@parley/xml'
import type { Command, CommandRow, Parameter } from '@xmpp/server-core'

/** The form that asks for what a command needs. */
export function formFor({ summary, parameters }: Command): DataForm {
  return new DataForm({ type: 'form', title: summary, fields: parameters.map(fieldFor) })
}

/** What a form says, as a command reads it: nothing where a field is empty. */
export function valuesFrom({ parameters }: Command, x: Element | undefined): Record<string, unknown> {
  if (!x) return {}
  const form = DataForm.read(x)
  const values: Record<string, unknown> = {}
  for (const { name, type, many } of parameters) {
    const given = form.values(name).filter(value => value !== '')
    if (given.length === 0) continue
    values[name] = many ? given : type === 'flag' ? form.flag(name) : given[0]
  }
  return values
}

/** Rows as a table (XEP-0004 §3.4); columns are those of all rows. */
export function resultForm(rows: readonly CommandRow[]): DataForm {
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))]
  return new DataForm({
    type: 'result',
    fields: [],
    reported: columns.map(column => ({ name: column, label: column, values: [] })),
    items: rows.map(row => columns.map(column => ({ name: column, values: [String(row[column] ?? '')] }))),
  })
}

function fieldFor(parameter: Parameter): FormField {
  const { name, help, choices = [] } = parameter
  const options = choices.map(value => ({ value }))
  return formField(name, fieldType(parameter), undefined, {
    label: name,
    description: help,
    ...(parameter.required && { required: true }),
    ...(options.length > 0 && { options }),
  })
}

function fieldType({ type, many }: Parameter): FieldType {
  if (many) return type === 'jid' ? 'jid-multi' : 'text-multi'
  switch (type) {
    case 'jid':
      return 'jid-single'
    case 'secret':
      return 'text-private'
    case 'flag':
      return 'boolean'
    case 'choice':
      return 'list-single'
    default:
      return 'text-single'
  }
}
