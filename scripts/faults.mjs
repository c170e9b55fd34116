#!/usr/bin/env node
// npm run test:faults: builds what is stale, the harness included, then does harm (see test/faults).
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fail, prepare, root } from './prepare.mjs'

await prepare()
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', join(root, 'test/faults')], {
  encoding: 'utf8',
})
if (status !== 0) fail(`Building the harness failed:\n${stdout}`)
const { main } = await import('../test/faults/dist/faults/main.js')
process.exit(await main(process.argv.slice(2)))
