#!/usr/bin/env node
// npm run test:interop: builds what is stale, the runner included, then has others' tests try the server (see test/interop/smack).
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fail, prepare, root } from './prepare.mjs'

await prepare()
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', join(root, 'test/interop/smack')], {
  encoding: 'utf8',
})
if (status !== 0) fail(`Building the runner failed:\n${stdout}`)
const { main } = await import('../test/interop/smack/dist/interop/smack/main.js')
process.exit(await main(process.argv.slice(2)))
