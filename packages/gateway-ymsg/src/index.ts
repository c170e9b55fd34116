import { defineAdapter } from '@parley/adapter'
import { canonical } from './id.ts'
import { YahooSession } from './session.ts'
import { settings } from './settings.ts'
import { TEXT_MOST } from './statuses.ts'

/** Yahoo! Messenger: YMSG, version 10. */
export default defineAdapter({
  id: 'ymsg',
  title: 'Yahoo! Messenger',
  mode: 'account',
  edition: 1,
  capabilities: {
    roster: 'both',
    groups: 'both',
    // Nobody is asked before they are seen; who has been added may refuse.
    authorization: 'in',
    presence: 'both',
    presenceText: 'both',
    idle: 'in',
    invisible: 'out',
    typing: 'both',
    attention: 'both',
    offlineQueue: 'in',
    block: 'both',
    maxTextBytes: 800,
    charset: 'utf-8',
    maxStatusBytes: TEXT_MOST,
    multiline: true,
    rate: 2,
  },
  settings,
  login: [
    { name: 'name', label: 'Yahoo! ID', type: 'text', required: true },
    { name: 'password', label: 'Password', type: 'secret', required: true },
  ],
  canonical,
  create: context => new YahooSession(context),
})
