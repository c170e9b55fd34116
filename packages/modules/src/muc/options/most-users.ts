import { number } from './option.ts'

export const mostUsers = number('muc#roomconfig_maxusers', 'How many may be here at once', {
  fallback: 1000,
  most: 10_000,
})
