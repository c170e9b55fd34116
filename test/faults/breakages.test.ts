import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { root } from '../services/process.ts'
import { BREAKAGES } from './breakages.ts'
import { type Build, breakBuild, copyBuild } from './build.ts'

/** That they are found out is shown by `npm run test:faults -- --prove`, which takes minutes. */
describe('servers that are broken on purpose', () => {
  let folder: string
  let build: Build
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-breakages-'))
    mkdirSync(join(folder, 'build'))
    build = copyBuild(root, join(folder, 'build'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each(BREAKAGES.map(breakage => [breakage.name, breakage] as const))(
    '%s fits the server as it is',
    (_, breakage) => {
      breakBuild(join(folder, 'build'), breakage)
      for (const { file, put } of breakage.changes) {
        expect(readFileSync(join(folder, 'build', file), 'utf8')).toContain(put)
      }
    },
  )

  test('one that does not fit proves nothing', () => {
    const change = { file: 'packages/live/functions/live.lua', find: 'no such line', put: '' }
    expect(() => breakBuild(join(folder, 'build'), { name: 'none', title: '', changes: [change] })).toThrow(
      'none: packages/live/functions/live.lua has 0 times "no such line"',
    )
  })

  test('the code of a copy has a name that changes with it', () => {
    expect(build.hash).toMatch(/^[0-9a-f]{12}$/)
    const other = join(folder, 'other')
    mkdirSync(other)
    expect(copyBuild(root, other).hash).toBe(build.hash)
  })
})
