import { integer, text } from '@parley/adapter'

export const SETTINGS = {
  api: text('https://api.telegram.org', 'address of the Bot API, or of a server of your own that speaks it'),
  pollSeconds: integer(25, 1, 50, 'how long a question for news may wait at the network'),
} as const
export type TelegramSettings = typeof SETTINGS
