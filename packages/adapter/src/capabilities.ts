/** Whether something comes from the network (`in`), goes there (`out`), or both. */
export type Way = 'none' | 'in' | 'out' | 'both'

/** What can be mapped. What is left out is `none`. */
export const FEATURES = [
  ...['roster', 'groups', 'authorization', 'presence', 'presenceText', 'idle', 'invisible'],
  ...['typing', 'receipts', 'read', 'edit', 'retract', 'reaction', 'reply', 'attention'],
  ...['rooms', 'roomHistory', 'avatar', 'profile', 'search', 'file', 'offlineQueue', 'ownEcho', 'block'],
] as const
export type Feature = (typeof FEATURES)[number]

export interface Capabilities extends Readonly<Partial<Record<Feature, Way>>> {
  /** Bytes of text in one message, in `charset`; what is longer is cut between graphemes by the core. */
  readonly maxTextBytes: number
  readonly charset: 'utf-8' | 'latin1' | 'utf-16be'
  /** Bytes of text in a status; what is longer ends with an ellipsis. Absent: there is none. */
  readonly maxStatusBytes?: number
  /** Line breaks within a message arrive as such; false: each line is a message. */
  readonly multiline: boolean
  /** Messages a second of one session that the network takes without complaint. */
  readonly rate: number
}

export function can(capabilities: Capabilities, feature: Feature, way: 'in' | 'out'): boolean {
  const has = capabilities[feature]
  return has === 'both' || has === way
}
