import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, relative, sep } from 'node:path'

/** One thing wrong in a build: the checker must find out. */
export interface Breakage {
  readonly name: string
  /** What it does to the server. */
  readonly title: string
  readonly changes: readonly Change[]
}

export interface Change {
  /** Of the build, from its root. */
  readonly file: string
  /** Stands there once. */
  readonly find: string
  readonly put: string
}

/** A copy of what was built, so that nobody changes it under a run, and so that it can be broken. */
export interface Build {
  /** `parley.js` of the copy. */
  readonly program: string
  /** Of all code that runs: the same code has the same. */
  readonly hash: string
}

const PARTS = ['package.json', 'dist', 'bin', 'functions', 'migrations']
const CODE = /\.(js|lua|sql)$/

/** Copies what is built under `root` into `folder`. */
export function copyBuild(root: string, folder: string): Build {
  for (const base of ['packages', 'services']) {
    for (const name of readdirSync(join(root, base))) {
      for (const part of PARTS) {
        const from = join(root, base, name, part)
        if (existsSync(from)) cpSync(from, join(folder, base, name, part), { recursive: true })
      }
    }
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  linkModules(root, folder)
  return { program: join(folder, 'services/parley/bin/parley.js'), hash: hashOf(folder) }
}

/** @throws Error where a change does not fit: then the breakage proves nothing */
export function breakBuild(folder: string, { name, changes }: Breakage): void {
  for (const { file, find, put } of changes) {
    const path = join(folder, file)
    const text = readFileSync(path, 'utf8')
    const times = text.split(find).length - 1
    if (times !== 1) throw new Error(`Breakage ${name}: ${file} has ${times} times ${JSON.stringify(find)}`)
    writeFileSync(
      path,
      text.replace(find, () => put),
    )
  }
}

/** Modules of others are those of the root; ours are those of the copy. */
function linkModules(root: string, folder: string): void {
  const from = join(root, 'node_modules')
  const to = join(folder, 'node_modules')
  mkdirSync(to)
  const real = realpathSync(root)
  const link = (name: string) => {
    const target = realpathSync(join(from, name))
    const inside = relative(real, target)
    const isOurs = inside.startsWith(`packages${sep}`) || inside.startsWith(`services${sep}`)
    symlinkSync(isOurs ? join(folder, inside) : target, join(to, name))
  }
  for (const name of readdirSync(from)) {
    if (name.startsWith('.')) continue
    if (name !== '@parley' && name !== '@xmpp') {
      link(name)
      continue
    }
    mkdirSync(join(to, name))
    for (const part of readdirSync(join(from, name))) link(join(name, part))
  }
}

function hashOf(folder: string): string {
  const hash = createHash('sha256')
  for (const base of ['packages', 'services']) {
    const files = readdirSync(join(folder, base), { recursive: true, encoding: 'utf8' })
    for (const file of files.filter(path => CODE.test(path)).sort()) {
      hash.update(`${file}\n`).update(readFileSync(join(folder, base, file)))
    }
  }
  return hash.digest('hex').slice(0, 12)
}
