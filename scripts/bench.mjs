#!/usr/bin/env node
// npm run bench: builds what is stale, the benchmark itself included, then measures (see test/bench).
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fail, prepare, root } from './prepare.mjs'

await prepare()
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', join(root, 'test/bench')], { encoding: 'utf8' })
if (status !== 0) fail(`Building the benchmark failed:\n${stdout}`)
const { main } = await import('../test/bench/dist/bench/main.js')
process.exit(await main(process.argv.slice(2)))
