import { number } from './option.ts'

/** Seconds between two lines of one account (XEP-0500). */
export const slowMode = number('muc#roomconfig_slow_mode_duration', 'Slow mode: seconds between messages (0: off)', {
  fallback: 0,
  most: 86_400,
})
