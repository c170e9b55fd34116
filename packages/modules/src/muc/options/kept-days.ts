import { number } from './option.ts'

/** Days for which the archive has what was said, where the server does not keep less. Named as XEP-0068 §3.4 wants it. */
export const keptDays = number(
  '{urn:parley:rooms:0}kept-days',
  'Days to keep what is said (0: as long as the server does)',
  {
    fallback: 0,
    most: 36_500,
  },
)
