import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { PACKAGES } from './interop/programs.ts'
import { ROOT } from './root.ts'

const [, installed = ''] = readFileSync(join(ROOT, '.ci/run'), 'utf8').match(/^packages=\(\n(.*?)^\)/ms) ?? []

test.each(PACKAGES)('a whole run installs %s, which plays need', name => {
  expect(installed.split(/\s+/)).toContain(name)
})
