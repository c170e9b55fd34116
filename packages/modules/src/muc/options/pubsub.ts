import { line } from './option.ts'

/** The URI of a node that has to do with the room (XEP-0045 §16.5.3). */
export const pubsub = line('muc#roomconfig_pubsub', 'Publish-subscribe node that belongs to the room')
