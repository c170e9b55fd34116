#!/usr/bin/env node
// npm run federation: real servers that know each other, for trying federation by hand (see test/federation).
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fail, prepare, root } from './prepare.mjs'

await prepare()
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const project = join(root, 'test/federation')
const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' })
if (status !== 0) fail(`Building the peers failed:\n${stdout}`)
const { main } = await import('../test/federation/dist/federation/main.js')
process.exit(await main(process.argv.slice(2)))
