import type { Presence, Show } from '@parley/adapter'

/** What the network calls each show (`m.presence`). */
const NATIVE: Readonly<Record<Show, 'online' | 'unavailable' | 'offline'>> = {
  available: 'online',
  chat: 'online',
  away: 'unavailable',
  xa: 'unavailable',
  dnd: 'unavailable',
  invisible: 'offline',
  unavailable: 'offline',
}
const SHOWS: Readonly<Record<string, Show>> = { online: 'available', unavailable: 'away', offline: 'unavailable' }

export function toMatrix({ show, text }: Presence): { readonly presence: string; readonly status_msg?: string } {
  const status = text ?? (show === 'dnd' ? 'busy' : '')
  return { presence: NATIVE[show], ...(status && { status_msg: status }) }
}

export function fromMatrix(presence: string, text: string | undefined): Presence | undefined {
  const show = SHOWS[presence]
  if (show === undefined) return undefined
  if (presence === 'unavailable' && text === 'busy') return { show: 'dnd', native: presence }
  return { show, ...(text && show !== 'unavailable' && { text }), native: presence }
}
