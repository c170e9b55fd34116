import { number } from './option.ts'

/** A line with more mentions mentions nobody (XEP-0513 §3.6). */
export const mentionCount = number('mentions#count', 'Mentions allowed in a message', { fallback: 10, most: 20 })
