import { defineAdapter } from '@parley/adapter'
import { canonical } from './ids.ts'
import { MatrixSession } from './session.ts'
import { SETTINGS } from './settings.ts'

/** Matrix, by the Application Service API of one homeserver, and through it of all that it talks to. */
export default defineAdapter({
  id: 'matrix',
  title: 'Matrix',
  mode: 'federation',
  edition: 1,
  capabilities: {
    presence: 'both',
    presenceText: 'both',
    typing: 'both',
    read: 'both',
    edit: 'both',
    retract: 'both',
    reaction: 'both',
    reply: 'both',
    rooms: 'both',
    profile: 'in',
    offlineQueue: 'both',
    // An event has 65,536 bytes, as JSON, with all that is around the text.
    maxTextBytes: 30_000,
    maxStatusBytes: 200,
    charset: 'utf-8',
    multiline: true,
    rate: 10,
  },
  settings: SETTINGS,
  login: [],
  canonical,
  create: context => new MatrixSession(context),
})
