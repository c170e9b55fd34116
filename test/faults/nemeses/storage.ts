import { pause } from '../stage/child.ts'
import type { Hands } from './nemesis.ts'

/** T4: kill -9 of Redis every 2 to 3 s; it comes back with what it had on disk. */
export async function killRedis({ stage, dice, recorder, goesOn, sleep }: Hands): Promise<void> {
  for (;;) {
    await sleep(dice.between(2000, 3000))
    if (!goesOn()) return
    const from = recorder.now()
    await stage.redis!.kill()
    await pause(200)
    await stage.redis!.start()
    recorder.fault('kill redis', from, recorder.now())
  }
}

/** T5: Redis forgets everything, or comes back with what it knew a second ago. */
export async function forget({ stage, dice, recorder, goesOn, sleep }: Hands): Promise<void> {
  const redis = stage.redis!
  for (let count = 0; ; count++) {
    await sleep(dice.between(6000, 10_000))
    if (!goesOn()) return
    if (count % 2 === 0) {
      recorder.fault('flush redis')
      await redis.flush()
      continue
    }
    redis.copy()
    await pause(1000)
    const from = recorder.now()
    await redis.kill()
    redis.rollBack()
    await redis.start()
    recorder.fault('roll redis back', from, recorder.now())
  }
}

/** T7: kill -9 of a process of PostgreSQL, or of its parent, which is then started again. */
export async function killPostgres({ stage, dice, recorder, goesOn, sleep }: Hands): Promise<void> {
  const postgres = stage.postgres!
  for (let count = 0; ; count++) {
    await sleep(dice.between(3000, 6000))
    if (!goesOn()) return
    if (count % 2 === 0) {
      if (await postgres.killBackend(all => dice.below(all))) recorder.fault('kill backend')
      continue
    }
    const from = recorder.now()
    await postgres.kill()
    await postgres.start()
    recorder.fault('kill postgres', from, recorder.now())
  }
}
