import type { Presence } from '@parley/adapter'
import type { PresenceRow } from './peer.ts'

const SHOWN: readonly Presence[] = [
  { show: 'available' },
  { show: 'chat', text: 'come and talk' },
  { show: 'away', text: 'gone fishing' },
  { show: 'xa' },
  { show: 'dnd', text: 'studying' },
]

/** A network that knows all that can be shown. */
export const AS_SHOWN: readonly PresenceRow[] = SHOWN.map(sent => ({ sent, seen: sent }))
/** A network that shows nobody who does not want to be seen. */
export const HIDDEN: PresenceRow = { sent: { show: 'invisible' }, seen: { show: 'unavailable' } }
