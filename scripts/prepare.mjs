// What both commands of the README need first: dependencies and the build, each only when missing or out of date.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const INSTALLED = join(root, 'node_modules/.package-lock.json')
const BUILT = join(root, 'node_modules/.cache/parley-built')

/** Installs and builds what is missing; says what it does and how long it takes. */
export async function prepare() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Parley needs Node.js 20.19 or newer; this is ${process.versions.node}.`)
  }
  if (!existsSync(INSTALLED) || newer(join(root, 'package-lock.json'), INSTALLED)) {
    await step('Installing dependencies', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  }
  if (!existsSync(BUILT) || newestSource() > statSync(BUILT).mtimeMs) {
    await step('Building', process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'])
    mkdirSync(join(BUILT, '..'), { recursive: true })
    writeFileSync(BUILT, '')
  }
}

export function fail(text) {
  console.error(`\n${text}`)
  process.exit(1)
}

async function step(what, command, args) {
  const began = Date.now()
  const progress = process.stderr.isTTY
    ? setInterval(() => process.stderr.write(`\r${what} … ${seconds(began)} s `), 500)
    : undefined
  if (!progress) console.error(`${what} …`)
  const output = []
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.on('data', data => output.push(data))
  child.stderr.on('data', data => output.push(data))
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  clearInterval(progress)
  if (code !== 0) fail(`${what} failed:\n${Buffer.concat(output)}`)
  process.stderr.write(`${process.stderr.isTTY ? '\r' : ''}${what}: done in ${seconds(began)} s\n`)
}

function seconds(began) {
  return ((Date.now() - began) / 1000).toFixed(1)
}

function newer(a, b) {
  return statSync(a).mtimeMs > statSync(b).mtimeMs
}

/** When a source file was changed last. */
function newestSource() {
  let newest = statSync(join(root, 'tsconfig.base.json')).mtimeMs
  const visit = folder => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name === 'node_modules' || entry.name === 'dist') continue
      const path = join(folder, entry.name)
      if (entry.isDirectory()) visit(path)
      else if (/\.(ts|json)$/.test(entry.name)) newest = Math.max(newest, statSync(path).mtimeMs)
    }
  }
  for (const folder of ['packages', 'services']) visit(join(root, folder))
  return newest
}
