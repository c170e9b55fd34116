import { access, constants, mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { type Live, memoryLive, redisLive } from '@parley/live'
import { openStore, type Store } from '@parley/store'
import { aboutRoles, type Config, ConfigError, type Logger, type Server, systemClock } from '@xmpp/server-core'

const DESCRIBE = 2000

export async function makeDataFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o711 })
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new ConfigError([`data: the folder ${path} cannot be made or used (${code})`])
  }
}

export async function openStoreOf(config: Config, log: Logger): Promise<Store> {
  const storeLog = log.with({ part: 'store' })
  return openStore({
    data: resolve(config.data),
    log: (level, text) => storeLog[level](text),
    // With live state in memory this server must be the only one on its database.
    exclusive: config.redis === undefined,
    ...(config.database === undefined ? {} : { url: config.database }),
  })
}

/** @throws ConfigError where Redis cannot be used */
export async function openLive(config: Config, log: Logger, { resumedFrom }: Store): Promise<Live> {
  if (config.redis === undefined) return memoryLive({ resumedFrom })
  const liveLog = log.with({ part: 'live' })
  try {
    return await redisLive({ url: config.redis, log: (level, text) => liveLog[level](text) })
  } catch (error) {
    throw new ConfigError([(error as Error).message])
  }
}

/** Keeps what others read of this process up to date (`parley cluster status`); gives the function that ends that. */
export function describeTo(live: Live, server: Server, worker: number | undefined): () => void {
  const describe = () =>
    live.describe({
      name: `${hostname()}${worker === undefined ? '' : `/${worker}`}`,
      pid: process.pid,
      version: server.version,
      ...aboutRoles(server.config),
      sessions: server.sessions.size,
      state: server.draining ? 'draining' : 'serving',
      up: Math.round(process.uptime()),
    })
  describe()
  return systemClock.every(DESCRIBE, describe)
}
