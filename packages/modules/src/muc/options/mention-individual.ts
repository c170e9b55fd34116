import { choice } from './option.ts'

/** Whose mentions of one person count (XEP-0513 §3.6). */
export const mentionIndividual = choice(
  'mentions#individual',
  'Who may mention somebody',
  { participants: 'Participants', moderators: 'Moderators', none: 'Nobody' },
  'participants',
)
