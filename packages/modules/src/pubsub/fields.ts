import type { FieldType } from '@parley/stanza'
import type { Json } from '@parley/store'

/** A field of a node's configuration (XEP-0060 §16.4.4): its type, what it may be, and what a client shows. */
export interface Field {
  readonly name: string
  readonly type: FieldType
  readonly label: string
  readonly options?: readonly string[]
  /** `count`: a whole number from 1, or `max`. */
  readonly kind?: 'count'
  /** The only value that is accepted: forms of clients name the field, and nothing else is done here. */
  readonly only?: Json
  /** Told to those who ask about the node (meta-data, §5.4). */
  readonly open?: true
}

export const FIELDS: readonly Field[] = [
  { name: 'title', type: 'text-single', label: 'Title', open: true },
  { name: 'description', type: 'text-single', label: 'Description', open: true },
  // What it says is not compared with payloads (XEP-0060 §7.1.3.5 speaks of a configured namespace): it has said what the data
  // mean since version 1.23.0, and an Atom entry may be of the type urn:xmpp:pubsub-social-feed:1 (XEP-0472), or be encrypted.
  { name: 'type', type: 'text-single', label: 'Meaning of the payload', open: true },
  {
    name: 'access_model',
    type: 'list-single',
    label: 'Who may subscribe and read',
    options: ['open', 'presence', 'roster', 'authorize', 'whitelist'],
    open: true,
  },
  { name: 'roster_groups_allowed', type: 'list-multi', label: 'Roster groups that may subscribe and read' },
  {
    name: 'publish_model',
    type: 'list-single',
    label: 'Who may publish',
    options: ['publishers', 'subscribers', 'open'],
    open: true,
  },
  { name: 'persist_items', type: 'boolean', label: 'Keep items' },
  { name: 'max_items', type: 'text-single', label: 'Items to keep, or max', kind: 'count', open: true },
  { name: 'item_expire', type: 'text-single', label: 'Seconds to keep an item, or max', kind: 'count' },
  { name: 'max_payload_size', type: 'text-single', label: 'Bytes of a payload, or max', kind: 'count' },
  {
    name: 'send_last_published_item',
    type: 'list-single',
    label: 'When to send the last item',
    options: ['never', 'on_sub', 'on_sub_and_presence'],
  },
  { name: 'deliver_notifications', type: 'boolean', label: 'Notify' },
  { name: 'deliver_payloads', type: 'boolean', label: 'Notify with payloads' },
  { name: 'notify_config', type: 'boolean', label: 'Notify when the configuration changes' },
  { name: 'notify_delete', type: 'boolean', label: 'Notify when the node is deleted' },
  { name: 'notify_retract', type: 'boolean', label: 'Notify when items are removed' },
  {
    name: 'notification_type',
    type: 'list-single',
    label: 'Type of the messages',
    options: ['normal', 'headline'],
  },
  {
    name: 'itemreply',
    type: 'list-single',
    label: 'Who gets replies to items',
    options: ['owner', 'publisher', 'none'],
  },
  { name: 'notify_sub', type: 'boolean', label: 'Notify owners of subscriptions', only: false },
  { name: 'purge_offline', type: 'boolean', label: 'Purge when the publisher goes offline', only: false },
  { name: 'tempsub', type: 'boolean', label: 'Subscriptions end with presence', only: false },
  { name: 'subscribe', type: 'boolean', label: 'Allow subscriptions', only: true },
  { name: 'node_type', type: 'list-single', label: 'Type of the node', options: ['leaf'], only: 'leaf' },
]

const BY_NAME: ReadonlyMap<string, Field> = new Map(FIELDS.map(field => [`pubsub#${field.name}`, field]))

/** The field of that `var`. */
export function fieldOf(name: string): Field | undefined {
  return BY_NAME.get(name)
}

/** What a node is like unless somebody says otherwise; access and number of items are the service's to say. */
export const COMMON: Readonly<Record<string, Json>> = {
  title: '',
  description: '',
  type: '',
  roster_groups_allowed: [],
  publish_model: 'publishers',
  persist_items: true,
  item_expire: 'max',
  max_payload_size: 'max',
  deliver_notifications: true,
  deliver_payloads: true,
  notify_config: false,
  notify_delete: true,
  notify_retract: true,
  notification_type: 'headline',
  itemreply: 'owner',
}
