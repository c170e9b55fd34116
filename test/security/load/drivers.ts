import { test } from '@jest/globals'
import { type Stage, scenario } from '@parley/testkit'

/** A play on both drivers of live state: in memory, and on Redis with several processes where there is one. */
export function onEachDriver(title: string, play: (stage: Stage) => Promise<void>): void {
  const on = (target: string) => async (stage: Stage) => {
    const before = process.env['TARGET']
    process.env['TARGET'] = target
    try {
      await play(stage)
    } finally {
      // Assigning undefined would make it the word.
      if (before === undefined) delete process.env['TARGET']
      else process.env['TARGET'] = before
    }
  }
  scenario(`${title} [memory]`, on('memory'))
  if (process.env['PARLEY_TEST_REDIS']) scenario(`${title} [Redis]`, on('cluster'))
  else test.todo(`threats to queues on Redis: needs Redis: ${title}`)
}
