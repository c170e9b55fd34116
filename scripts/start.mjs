#!/usr/bin/env node
// npm start: installs and builds what is missing, then runs `parley serve` in this process.
import { prepare } from './prepare.mjs'

await prepare()
process.argv.splice(2, 0, 'serve')
await import('../services/parley/dist/index.js')
