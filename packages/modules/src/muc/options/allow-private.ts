import { choice } from './option.ts'

export const allowPrivate = choice(
  'muc#roomconfig_allowpm',
  'Who may send private messages',
  {
    anyone: 'Everybody',
    participants: 'Those with voice',
    moderators: 'Moderators',
    none: 'Nobody',
  },
  'anyone',
)
