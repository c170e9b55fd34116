import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { root } from '../services/process.ts'
import { type Build, copyBuild } from './build.ts'
import { shortTimes } from './options.ts'
import { SHORT, TRIALS } from './plan.ts'
import { run } from './run.ts'
import { findPostgres } from './stage/postgres.ts'
import { hasRedis } from './stage/redis.ts'

const WHOLE = 150_000

/** The short form of `npm run test:faults`, in two halves: the runner comes twice where there is a PostgreSQL. */
const { PARLEY_TEST_POSTGRES: named, PARLEY_TEST_DATABASE: used } = process.env
const isSecondRound = named !== undefined && named === used
const half = SHORT.filter((_, index) => index < 3 !== isSecondRound)

if (findPostgres() && hasRedis()) suite()
else test.todo('faults on several front ends: needs PostgreSQL 15 and Redis 7')

function suite(): void {
  describe('faults on several front ends', () => {
    let folder: string
    let build: Build
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'parley-faults-'))
      chmodSync(folder, 0o711)
      mkdirSync(join(folder, 'build'))
      build = copyBuild(root, join(folder, 'build'))
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    test.each(TRIALS.filter(({ id }) => half.includes(id)).map(trial => [trial.id, trial.title, trial] as const))(
      '%s: %s',
      async (id, _, trial) => {
        const { program } = build
        const seed = Date.now() % 1_000_000
        const { breaches, verdict, faults } = await run({
          ...{ trial, seed, program, times: shortTimes() },
          folder: join(folder, id),
          progress: () => {},
        })
        console.log(`${id}: seed ${seed}, ${verdict.acked} messages, ${JSON.stringify(faults)}`)
        expect({ seed, breaches }).toEqual({ seed, breaches: [] })
      },
      WHOLE,
    )
  })
}
