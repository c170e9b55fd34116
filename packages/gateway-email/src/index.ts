import { defineAdapter } from '@parley/adapter'
import { canonical } from './address.ts'
import { EmailSession } from './session.ts'
import { SETTINGS } from './settings.ts'

/** Mail: SMTP out (RFC 5321), SMTP or LMTP in, one address for each conversation. */
export default defineAdapter({
  id: 'email',
  title: 'Email',
  mode: 'federation',
  edition: 1,
  capabilities: {
    reply: 'both',
    offlineQueue: 'both',
    maxTextBytes: 65_536,
    charset: 'utf-8',
    multiline: true,
    rate: 5,
  },
  settings: SETTINGS,
  login: [],
  canonical,
  create: context => new EmailSession(context),
})
