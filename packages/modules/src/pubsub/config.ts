import { type DataForm, type FormField, formField, formOf, StanzaError } from '@parley/stanza'
import type { Json, PubsubNode, PubsubOptions } from '@parley/store'
import { FIELDS, type Field, fieldOf } from './fields.ts'
import { because, PUBSUB } from './names.ts'
import type { PubsubService } from './service.ts'

export const NODE_CONFIG = `${PUBSUB}#node_config`
const META_DATA = `${PUBSUB}#meta-data`
const TEXT_BYTES = 1000
const GROUPS = 100

/** A value of a node, or of the defaults where the node is older than the option. */
export function option(service: PubsubService, config: PubsubOptions, name: string): Json {
  return config[name] ?? service.defaults[name] ?? ''
}

/** What a form says of a node; fields that are not known are left out (XEP-0004 §3.2). @throws {@link StanzaError} */
export function readConfig(service: PubsubService, form: DataForm | undefined): PubsubOptions {
  const config: Record<string, Json> = {}
  for (const given of form?.fields ?? []) {
    const field = fieldOf(given.name)
    if (field) config[field.name] = readField(service, field, given, form!)
  }
  return config
}

function readField(service: PubsubService, field: Field, { name, values }: FormField, form: DataForm): Json {
  const value = values[0] ?? ''
  const read = field.type === 'boolean' ? (form.flag(name) ?? false) : field.type === 'list-multi' ? values : value
  if (field.only !== undefined && read !== field.only)
    throw new StanzaError('not-acceptable', `${name} cannot be that here`)
  if (field.name === 'access_model' && !service.accessModels.includes(value))
    throw new StanzaError('not-acceptable', 'No such access model', because('unsupported-access-model'))
  if (field.options && !field.options.includes(value))
    throw new StanzaError('not-acceptable', `${name} has no such value`)
  if (field.kind === 'count' && value !== 'max' && !/^[1-9]\d{0,8}$/.test(value))
    throw new StanzaError('not-acceptable', `${name} is a whole number or max`)
  if (values.length > GROUPS || values.some(text => Buffer.byteLength(text) > TEXT_BYTES))
    throw new StanzaError('not-acceptable', `${name} is too long`)
  return read
}

/** A number of the configuration, with what the service allows at most. */
export function bounded(service: PubsubService, config: PubsubOptions, name: string, max: number): number {
  const value = option(service, config, name)
  return value === 'max' ? max : Math.min(max, Number(value))
}

/** How many items stay, and since when (ms since 1970). */
export function keepOf(
  service: PubsubService,
  config: PubsubOptions,
): { readonly max: number; readonly since: number } {
  const expires = option(service, config, 'item_expire')
  return {
    max: bounded(service, config, 'max_items', service.limits.items),
    since: expires === 'max' ? 0 : service.now() - Number(expires) * 1000,
  }
}

/** Whether the node is as the options of a publisher want it (XEP-0060 §7.1.5). */
export function meets(service: PubsubService, config: PubsubOptions, wanted: PubsubOptions): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    const is = option(service, config, name)
    if (name === 'max_items') return keepOf(service, config).max === keepOf(service, wanted).max
    if (fieldOf(`pubsub#${name}`)?.only !== undefined) return true
    if (!Array.isArray(value)) return is === value
    return JSON.stringify([...value].sort()) === JSON.stringify([...(is as readonly string[])].sort())
  })
}

/** The configuration to be filled in, or as it is (XEP-0060 §8.2, §8.3). */
export function configForm(service: PubsubService, config: PubsubOptions, type: 'form' | 'result' = 'form'): DataForm {
  const byRoster = service.accessModels.includes('roster')
  const fields = FIELDS.filter(
    ({ only, name }) => only === undefined && (byRoster || name !== 'roster_groups_allowed'),
  ).map(field => written(service, field, config))
  return formOf(type, NODE_CONFIG, { fields })
}

/** What is told of a node to everybody who may see it (XEP-0060 §5.4). */
export function metaForm(service: PubsubService, { config, created, owner }: PubsubNode): DataForm {
  const { creator } = config
  const fields = FIELDS.filter(({ open }) => open).map(field => written(service, field, config))
  return formOf('result', META_DATA, {
    fields: [
      ...fields,
      ...(service.isPersonal ? [formField('pubsub#owner', 'jid-multi', [owner])] : []),
      ...(creator ? [formField('pubsub#creator', 'jid-single', String(creator))] : []),
      formField('pubsub#creation_date', 'text-single', new Date(created).toISOString()),
    ],
  })
}

function written(service: PubsubService, { name, type, label, options }: Field, config: PubsubOptions): FormField {
  const offered = name === 'access_model' ? service.accessModels : options
  const value = option(service, config, name) as string | boolean | readonly string[]
  const more = offered ? { label, options: offered.map(option => ({ value: option })) } : { label }
  return formField(`pubsub#${name}`, type, value, more)
}
