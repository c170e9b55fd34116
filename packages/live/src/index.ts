export {
  type Awaitable,
  type Ended,
  LIVE_LIMITS,
  type Live,
  type LiveLimits,
  newEntry,
  type Outlet,
  type Packet,
  type PresenceState,
  type Resumed,
  type SessionChanges,
  type SessionEntry,
} from './live.ts'
export { type MemoryLiveOptions, memoryLive } from './memory.ts'
