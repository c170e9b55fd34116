import { defineAdapter } from '@parley/adapter'
import { canonical } from './id.ts'
import { OscarSession } from './session.ts'
import { settings } from './settings.ts'
import { TEXT_MOST } from './statuses.ts'

/** AIM and ICQ: OSCAR. A number is an account of ICQ, any other name one of AIM. */
export default defineAdapter({
  id: 'oscar',
  title: 'AIM and ICQ',
  mode: 'account',
  edition: 1,
  capabilities: {
    roster: 'both',
    groups: 'both',
    authorization: 'both',
    presence: 'both',
    presenceText: 'both',
    idle: 'both',
    invisible: 'out',
    typing: 'both',
    offlineQueue: 'in',
    block: 'both',
    maxTextBytes: 1400,
    charset: 'utf-16be',
    maxStatusBytes: TEXT_MOST,
    multiline: true,
    rate: 2,
  },
  settings,
  login: [
    { name: 'name', label: 'Screen name, or number of ICQ', type: 'text', required: true },
    { name: 'password', label: 'Password', type: 'secret', required: true },
  ],
  canonical,
  create: context => new OscarSession(context),
})
