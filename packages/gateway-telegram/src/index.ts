import { defineAdapter } from '@parley/adapter'
import { canonical } from './ids.ts'
import { TelegramSession } from './session.ts'
import { SETTINGS } from './settings.ts'

/** Telegram by its Bot API: each user brings a bot, which serves them and whoever writes to it. */
export default defineAdapter({
  id: 'telegram',
  title: 'Telegram',
  mode: 'account',
  edition: 1,
  capabilities: {
    roster: 'both',
    typing: 'out',
    edit: 'both',
    retract: 'out',
    reaction: 'both',
    reply: 'both',
    rooms: 'both',
    profile: 'in',
    avatar: 'in',
    offlineQueue: 'in',
    maxTextBytes: 4096,
    charset: 'utf-8',
    multiline: true,
    rate: 1,
  },
  settings: SETTINGS,
  login: [{ name: 'token', label: 'Token of your bot, from @BotFather', type: 'secret', required: true }],
  canonical,
  create: context => new TelegramSession(context),
})
