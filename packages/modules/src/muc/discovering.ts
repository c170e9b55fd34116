import type { Jid } from '@parley/jid'
import { type FormField, formField, formOf, NS, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { ORDER } from '../archive-order.ts'
import { MAM } from '../archive-query.ts'
import { RETRACT, TOMBSTONE } from '../tombstones.ts'
import { featuresOf, fieldsOf, publicFields } from './config.ts'
import { hatCommandInfo } from './hat-commands.ts'
import { HATS, INFO, MENTIONING, MODERATE, MUC, SELF_PING, STABLE_ID } from './namespaces.ts'
import type { Room } from './room.ts'
import { TOKENS } from './tokens.ts'
import { UNIQUE } from './unique.ts'
import { VERSIONS } from './versions.ts'

/** The node that tells a user's own reserved nick (XEP-0045 §7.12). */
const OWN_NICK = 'x-roomuser-item'
/** The node that tells what a room passes on (§18.1.1). */
const TRAFFIC = `${MUC}#traffic`
/** Of rooms that keep what is said. */
const KEEPING = [
  ...[MAM, `${MAM}#extended`, `${MAM}#groupchat-field`, ORDER, `${ORDER}@${MAM}`],
  ...[RETRACT, TOMBSTONE, MODERATE],
]
const FEATURES = [MUC, STABLE_ID, NS.occupantId, TOKENS, NS.vcard, NS.stanzaId, NS.discoInfo, NS.discoItems]

/** The service itself (§6.2). */
export function serviceInfo(title: string): Element {
  return el('query', NS.discoInfo, null, [
    el('identity', NS.discoInfo, { category: 'conference', type: 'text', name: title }),
    ...[...FEATURES, UNIQUE].map(feature => el('feature', NS.discoInfo, { var: feature })),
  ])
}

/** A room (§6.4), with what else it says of itself, or the asker's reserved nick in it. */
export function roomInfo(room: Room, from: Jid, node: string | undefined, more: readonly FormField[]): Element {
  if (node === OWN_NICK) {
    const nick = room.affiliations.get(from.bare.text)?.nick
    const identity =
      nick === undefined
        ? undefined
        : el('identity', NS.discoInfo, { category: 'conference', type: 'text', name: nick })
    return el('query', NS.discoInfo, { node }, identity)
  }
  // §18.1.1: what the room takes out nobody but the room may say; it discards no namespace.
  if (node === TRAFFIC) throw new StanzaError('service-unavailable', 'The room passes on what anybody may say')
  const command = node === undefined ? undefined : hatCommandInfo(node)
  if (command) return command
  if (node !== undefined) throw new StanzaError('item-not-found', 'The room has no such node')
  const { config } = room
  const features = [
    ...[...FEATURES, VERSIONS, MENTIONING, HATS, NS.commands, SELF_PING],
    ...featuresOf(config),
    ...(config.archived ? KEEPING : []),
  ]
  const form = formOf('result', INFO, {
    fields: [
      formField('muc#roominfo_description', 'text-single', config.description, { label: 'Description' }),
      formField('muc#roominfo_lang', 'text-single', config.language, { label: 'Language' }),
      formField('muc#roominfo_subject', 'text-single', subjectText(room), { label: 'Subject' }),
      formField('muc#roominfo_occupants', 'text-single', room.size, { label: 'Occupants' }),
      // XEP-0500 §5.2
      formField('muc#roominfo_slow_mode_duration', 'text-single', config.slowMode, { label: 'Slow mode' }),
      formField('muc#roominfo_subjectmod', 'boolean', config.changeSubject, {
        label: 'Participants change the subject',
      }),
      ...(config.contacts.length > 0
        ? [formField('muc#roominfo_contactjid', 'jid-multi', config.contacts, { label: 'Contact addresses' })]
        : []),
      ...(config.logs === '' ? [] : [formField('muc#roominfo_logs', 'text-single', config.logs, { label: 'Logs' })]),
      ...publicFields(config),
      ...fieldsOf(config, 'mentions'),
      ...more,
      ...(room.hats.all.size > 0 ? [formField('hats#hash', 'text-single', room.hats.hash, { label: 'Hats' })] : []),
    ],
  })
  return el('query', NS.discoInfo, null, [
    el('identity', NS.discoInfo, { category: 'conference', type: 'text', name: config.title || room.jid.local }),
    ...features.map(feature => el('feature', NS.discoInfo, { var: feature })),
    form.toElement(),
  ])
}

function subjectText({ subject }: Room): string {
  return subject === undefined ? '' : subject.text
}
