import { type DataForm, type FormField, formField, formOf, StanzaError } from '@parley/stanza'
import type { Json } from '@parley/store'
import { CONFIG } from './namespaces.ts'
import { allowInvites } from './options/allow-invites.ts'
import { allowPrivate } from './options/allow-private.ts'
import { archived } from './options/archived.ts'
import { changeSubject } from './options/change-subject.ts'
import { contacts } from './options/contacts.ts'
import { description } from './options/description.ts'
import { forwardMentions } from './options/forward-mentions.ts'
import { history } from './options/history.ts'
import { keptDays } from './options/kept-days.ts'
import { language } from './options/language.ts'
import { listed } from './options/listed.ts'
import { logs } from './options/logs.ts'
import { memberList } from './options/member-list.ts'
import { membersOnly } from './options/members-only.ts'
import { mentionCount } from './options/mention-count.ts'
import { mentionIndividual } from './options/mention-individual.ts'
import { moderated } from './options/moderated.ts'
import { mostUsers } from './options/most-users.ts'
import { fieldOf, type RoomOption } from './options/option.ts'
import { password } from './options/password.ts'
import { passwordProtected } from './options/password-protected.ts'
import { persistent } from './options/persistent.ts'
import { pubsub } from './options/pubsub.ts'
import { registration } from './options/registration.ts'
import { shownRoles } from './options/shown-roles.ts'
import { slowMode } from './options/slow-mode.ts'
import { title } from './options/title.ts'
import { whois } from './options/whois.ts'

/** All options of a room, in the order in which an owner sees them. */
const OPTIONS = {
  title,
  description,
  language,
  persistent,
  listed,
  membersOnly,
  registration,
  password,
  whois,
  moderated,
  changeSubject,
  slowMode,
  allowInvites,
  allowPrivate,
  mostUsers,
  history,
  archived,
  keptDays,
  forwardMentions,
  mentionCount,
  mentionIndividual,
  shownRoles,
  memberList,
  pubsub,
  contacts,
  logs,
}

type Value<O> = O extends RoomOption<infer T> ? T : never

/** How a room is set up. */
export type RoomConfig = { readonly [K in keyof typeof OPTIONS]: Value<(typeof OPTIONS)[K]> }

const options = Object.entries(OPTIONS) as [keyof RoomConfig, RoomOption<RoomConfig[keyof RoomConfig]>][]

/** The configuration of a room of which nothing is known but `given`. */
export function configOf(given: Partial<RoomConfig> = {}): RoomConfig {
  return Object.fromEntries(
    options.map(([key, { fallback }]) => [key, given[key] ?? fallback]),
  ) as unknown as RoomConfig
}

/** As it is kept. */
export function storedConfig(config: RoomConfig): { readonly [key: string]: Json } {
  return config as unknown as { readonly [key: string]: Json }
}

/** There is a form for the room, and one for mentions in it (XEP-0513 §3.6). */
export type Form = 'room' | 'mentions'

function formWith(field: string): Form {
  return field.startsWith('mentions#') ? 'mentions' : 'room'
}

/** The fields of one form. */
export function fieldsOf(config: RoomConfig, form: Form): FormField[] {
  return options.flatMap(([key, option]) => (formWith(option.field) === form ? fieldOf(option, config[key]) : []))
}

/** The form that owners fill in (XEP-0045 §10.2), with the fields that are no settings. */
export function configForm(config: RoomConfig, name: string, more: readonly FormField[]): DataForm {
  const fields = fieldsOf(config, 'room')
  const isProtected = fieldOf(passwordProtected, config.password !== '')
  return formOf('form', CONFIG, { title: `Settings of ${name}`, fields: [...fields, isProtected, ...more] })
}

/**
 * The configuration after an owner's changes; fields that are left out stay as they were, and `others` are no settings.
 * @throws StanzaError `not-acceptable` for a field that is not known, or a value that is not allowed
 */
export function changedConfig(
  config: RoomConfig,
  form: DataForm,
  which: Form = 'room',
  others: ReadonlySet<string> = new Set(),
): RoomConfig {
  const changes: Record<string, unknown> = {}
  for (const { name, values } of form.fields) {
    if (name === 'FORM_TYPE' || name === '' || name === passwordProtected.field || others.has(name)) continue
    const known = options.find(([, { field }]) => field === name)
    if (!known || formWith(name) !== which) throw new StanzaError('not-acceptable', 'The room has no such setting')
    changes[known[0]] = known[1].read(values)
  }
  const changed: RoomConfig = { ...config, ...changes }
  const protection = form.field(passwordProtected.field)
  if (!protection) return changed
  // XEP-0045 §10.1.3: without protection there is no password, and with it there is one.
  if (!passwordProtected.read(protection.values)) return { ...changed, password: '' }
  if (changed.password === '') throw new StanzaError('not-acceptable', 'A room that needs a password has one')
  return changed
}

/** What the configuration has the room advertise (§6.4). */
export function featuresOf(config: RoomConfig): string[] {
  return options.flatMap(([key, { feature }]) => feature?.(config[key]) ?? [])
}

/** Settings that anybody may read (§6.4). */
export function publicFields(config: RoomConfig): FormField[] {
  const keys = ['title', 'changeSubject', 'whois', 'memberList', 'history', 'pubsub'] as const
  return keys.flatMap(key => {
    const option = OPTIONS[key] as RoomOption<RoomConfig[keyof RoomConfig]>
    const isUnset = key === 'pubsub' && config.pubsub === ''
    return isUnset ? [] : formField(option.field, option.type, option.write(config[key]), { label: option.label })
  })
}
