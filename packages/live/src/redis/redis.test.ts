import { randomUUID } from 'node:crypto'
import { describe, test } from '@jest/globals'
import { type DriverOptions, liveContract } from '../contract/live.ts'
import { redisLive } from './redis.ts'

const url = process.env['PARLEY_TEST_REDIS']

async function driver({ now, ...options }: DriverOptions) {
  const prefix = `test:${randomUUID()}:`
  const open = () => redisLive({ ...options, url: url!, prefix, ahead: now })
  return { live: await open(), peer: await redisLive({ ...options, url: url!, prefix, every: () => () => {} }) }
}

if (url) liveContract('Redis', driver)
else describe.skip('live state: Redis', () => test('needs PARLEY_TEST_REDIS', () => {}))
