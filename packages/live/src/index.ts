export {
  type Awaitable,
  type Ended,
  type Gap,
  LIVE_LIMITS,
  type Live,
  type LiveHandlers,
  type LiveLimits,
  type NodeInfo,
  newEntry,
  type Outlet,
  type Packet,
  type PresenceState,
  type Replaced,
  type Resumed,
  type SessionChanges,
  type SessionEntry,
} from './live.ts'
export { type MemoryLiveOptions, memoryLive } from './memory.ts'
export type { ClusterOptions as RedisLiveOptions } from './redis/cluster.ts'
export { LiveError } from './redis/lane.ts'
export { redisLive } from './redis/redis.ts'
export { inspectRedis } from './redis/server.ts'
export { type LiveStats, liveStats, type Measured, type RedisStats } from './stats.ts'
