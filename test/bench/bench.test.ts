import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'

const PROGRAM = fileURLToPath(new URL('../../scripts/bench.mjs', import.meta.url))

test('npm run bench measures this server and writes figures and chart', async () => {
  const out = await mkdtemp(join(tmpdir(), 'parley-bench-test-'))
  try {
    const options = ['--quick', '--only', 'message', '--servers', 'parley', '--seconds', '0.5', '--out', out]
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...options])
    expect(stdout).toMatch(/^1:1 message +[\d.]+ µs/m)
    const { outcomes } = JSON.parse(await readFile(join(out, 'bench.json'), 'utf8')) as {
      outcomes: { software: string; figures: { cpu: number; perSecond: number } }[]
    }
    expect(outcomes[0]!.software).toMatch(/^Parley /)
    expect(outcomes[0]!.figures.cpu).toBeGreaterThan(0)
    expect(outcomes[0]!.figures.perSecond).toBeGreaterThan(0)
    expect(await readFile(join(out, 'bench.svg'), 'utf8')).toContain('</svg>')
  } finally {
    await rm(out, { recursive: true, force: true })
  }
})
