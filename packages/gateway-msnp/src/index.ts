import { defineAdapter } from '@parley/adapter'
import { canonical } from './id.ts'
import { MessengerSession } from './session.ts'
import { settings } from './settings.ts'
import { TEXT_MOST } from './statuses.ts'

/** Windows Live Messenger, once MSN Messenger: MSNP12. */
export default defineAdapter({
  id: 'msnp',
  title: 'Windows Live Messenger',
  mode: 'account',
  edition: 1,
  capabilities: {
    roster: 'both',
    groups: 'both',
    // Nobody is asked before they are seen; who has been added is.
    authorization: 'in',
    presence: 'both',
    presenceText: 'both',
    invisible: 'out',
    typing: 'both',
    attention: 'both',
    block: 'both',
    maxTextBytes: 1400,
    charset: 'utf-8',
    maxStatusBytes: TEXT_MOST,
    multiline: true,
    rate: 2,
  },
  settings,
  login: [
    { name: 'address', label: 'Address (Passport)', type: 'text', required: true },
    { name: 'password', label: 'Password', type: 'secret', required: true },
  ],
  canonical,
  create: context => new MessengerSession(context),
})
