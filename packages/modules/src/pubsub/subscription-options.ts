import { type DataForm, formatDateTime, formField, formOf, parseDateTime, StanzaError } from '@parley/stanza'
import type { Json, PubsubOptions, PubsubSubscription } from '@parley/store'
import { because, PUBSUB } from './names.ts'

export const SUBSCRIBE_OPTIONS = `${PUBSUB}#subscribe_options`

/** What presence says to others, with `online` where it says no more than that (XEP-0060 §16.4.2). */
const SHOWS = ['chat', 'online', 'away', 'xa', 'dnd']

/**
 * What a form says of a subscription, over what was said `before`. `sees` says whether the subscriber's presence is known
 * here. @throws {@link StanzaError} for what is not done here (XEP-0060 §6.3.7)
 */
export function readOptions(form: DataForm, before: PubsubOptions, now: number, sees: boolean): PubsubOptions {
  const options: Record<string, Json> = { ...before }
  options['deliver'] = form.flag('pubsub#deliver') ?? before['deliver'] ?? true
  for (const name of ['pubsub#digest', 'pubsub#include_body']) {
    if (form.flag(name)) throw invalid(`${name} is not done here`)
  }
  const expire = form.value('pubsub#expire')
  if (expire !== undefined) {
    const end = expire === '' ? 0 : (parseDateTime(expire) ?? 0)
    if (expire !== '' && end <= now) throw invalid('A subscription ends at a time to come')
    options['expire'] = end
  }
  const shows = form.field('pubsub#show-values')?.values
  if (shows) {
    if (shows.some(show => !SHOWS.includes(show))) throw invalid('There is no such presence')
    const all = SHOWS.every(show => shows.includes(show))
    if (!all && !sees) throw invalid('Your presence is not known here')
    options['show-values'] = all ? [] : [...new Set(shows)]
    // Nobody is ever none of these: that is to hear nothing.
    if (shows.length === 0) options['deliver'] = false
  }
  return options
}

function invalid(text: string): StanzaError {
  return new StanzaError('bad-request', text, because('invalid-options'))
}

export function optionsForm(options: PubsubOptions, type: 'form' | 'result'): DataForm {
  const end = Number(options['expire'] ?? 0)
  const shows = showsOf(options) ?? SHOWS
  const offered = { label: 'Notify when presence is', options: SHOWS.map(value => ({ value })) }
  return formOf(type, SUBSCRIBE_OPTIONS, {
    fields: [
      formField('pubsub#deliver', 'boolean', options['deliver'] !== false, { label: 'Notify' }),
      formField('pubsub#expire', 'text-single', end > 0 ? formatDateTime(end) : '', {
        label: 'End of the subscription',
      }),
      formField('pubsub#show-values', 'list-multi', shows, offered),
    ],
  })
}

/** The presence in which the subscriber wants to hear; undefined: any, or none. */
export function showsOf(options: PubsubOptions): readonly string[] | undefined {
  const shows = options['show-values'] as readonly string[] | undefined
  return shows && shows.length > 0 ? shows : undefined
}

/** Whether its time is not over (XEP-0060 §12.18). */
export function isCurrent({ options }: PubsubSubscription, now: number): boolean {
  const end = Number(options['expire'] ?? 0)
  return end === 0 || end > now
}

/** Whether notifications are for it. */
export function isListening(one: PubsubSubscription, now: number): boolean {
  return one.state === 'subscribed' && one.options['deliver'] !== false && isCurrent(one, now)
}
