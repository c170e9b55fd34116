#!/usr/bin/env node
// Completes package-lock.json: npm leaves out optional packages for platforms that the registry at hand does not
// carry, and `npm ci` then refuses the lock. Each missing one gets the entry that npm itself would write.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const PLATFORM = /-(linux|darwin|win32|android|freebsd|openbsd|netbsd|sunos|openharmony|wasm32|windows)(?:-(.*))?$/
let added = 0

for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (resolves(path, name)) continue
    const platform = PLATFORM.exec(name)
    const at = `node_modules/${name}`
    lock.packages[at] = {
      version: range.replace(/^[\^~]/, ''),
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      ...(platform ? conditions(platform[1], platform[2] ?? '') : {}),
    }
    added++
  }
}
if (added) {
  const { '': root, ...rest } = lock.packages
  lock.packages = { '': root, ...Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))) }
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
}
console.log(`package-lock.json: ${added} optional packages added`)

/** Whether `name`, asked for from the package at `path`, is in the lock, by Node's lookup order. */
function resolves(path, name) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (lock.packages[`${at ? `${at}/` : ''}node_modules/${name}`]) return true
    if (!at) return false
  }
}

function conditions(system, rest) {
  if (system === 'wasm32') return { cpu: ['wasm32'] }
  const cpu = /^(x64|arm64|arm|ia32|ppc64|riscv64|s390x|loong64|universal)/.exec(rest)?.[1]
  const libc = /musl/.test(rest) ? ['musl'] : system === 'linux' && /gnu/.test(rest) ? ['glibc'] : undefined
  const os = system === 'windows' ? 'win32' : system
  return { os: [os], ...(cpu && cpu !== 'universal' ? { cpu: [cpu] } : {}), ...(libc ? { libc } : {}) }
}
