import { randomUUID } from 'node:crypto'
import { test } from '@jest/globals'
import { type DriverOptions, liveContract } from '../contract/live.ts'
import { redisLive } from './redis.ts'

const url = process.env['PARLEY_TEST_REDIS']

async function driver({ now, ...options }: DriverOptions) {
  const shared = { ...options, url: url!, prefix: `test:${randomUUID()}:` }
  return {
    live: await redisLive({ ...shared, ahead: now }),
    peer: await redisLive({ ...shared, every: () => () => {} }),
  }
}

if (url) liveContract('Redis', driver)
else test.todo('live state on Redis: install redis-server, or set PARLEY_TEST_REDIS')
