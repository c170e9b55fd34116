import { createHash } from 'node:crypto'
import { chmod, chown, lstat, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { StoreError } from '../errors.ts'
import type { Log } from '../store.ts'
import { canReach, type EngineUser } from './user.ts'

/** The folders of one embedded database; all belong to the engine's user and to nobody else. */
export interface Place {
  readonly folder: string
  /** The cluster itself. */
  readonly cluster: string
  /** Where the Unix socket is: whoever can enter may do everything, hence mode 0700. */
  readonly sockets: string
  readonly logFile: string
}

/** sun_path has 108 bytes on Linux and 104 on macOS, with a final NUL. */
const MAX_SOCKET_PATH = 103
const SOCKET_NAME = '/.s.PGSQL.5432'
const FALLBACK = '/var/lib/parley'

/**
 * Makes the folders below `data`. As root, where the engine's user cannot reach them (a checkout below /root), they are made below
 * /var/lib/parley instead, which the log tells.
 */
export async function preparePlace(
  data: string,
  user: EngineUser | undefined,
  log: Log,
  fallback = FALLBACK,
): Promise<Place> {
  const base = resolve(data)
  const digest = createHash('sha256').update(base).digest('hex').slice(0, 12)
  await makeBase(base, user)
  const folder = await chooseFolder(base, join(fallback, digest), user, log)
  await makePrivate(folder, user)
  const near = join(folder, 'run')
  const sockets = Buffer.byteLength(near + SOCKET_NAME) <= MAX_SOCKET_PATH ? near : join(tmpdir(), `parley-${digest}`)
  if (Buffer.byteLength(sockets + SOCKET_NAME) > MAX_SOCKET_PATH) {
    throw new StoreError(
      'unsupported',
      `The path of the database socket ${sockets}${SOCKET_NAME} is too long: choose a shorter \`data:\``,
    )
  }
  await makePrivate(sockets, user)
  return { folder, cluster: join(folder, 'cluster'), sockets, logFile: join(folder, 'postgres.log') }
}

/** In the data folder: where its database is, when it had to be put elsewhere. It goes where the folder goes. */
const RECORD = 'postgres.place'

/** The same database at every start, whatever has become reachable or unreachable meanwhile: never a new, empty one. */
async function chooseFolder(base: string, elsewhere: string, user: EngineUser | undefined, log: Log): Promise<string> {
  const near = join(base, 'postgres')
  const recorded = (await readFile(join(base, RECORD), 'utf8').catch(() => '')).trim()
  if (recorded !== '') {
    if (await exists(recorded)) return recorded
    throw new StoreError(
      'unsupported',
      `The database of ${base} was kept in ${recorded}, which is gone: bring it back, or remove ${join(base, RECORD)} to begin anew`,
    )
  }
  if (!user || (await canReach(user, base))) return near
  if (await exists(join(near, 'cluster'))) {
    throw new StoreError(
      'unsupported',
      `The database in ${near} cannot be reached by its user any more: let others pass through the folders above it (chmod o+x)`,
    )
  }
  await mkdir(dirname(elsewhere), { recursive: true, mode: 0o711 })
  await writeFile(join(base, RECORD), `${elsewhere}\n`)
  log('info', `The database is kept in ${elsewhere}: its user cannot reach ${base}`)
  await mkdir(elsewhere, { recursive: true, mode: 0o700 })
  return elsewhere
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** The data folder itself is ours; the engine's user may only pass through. */
async function makeBase(base: string, user: EngineUser | undefined): Promise<void> {
  const made = await mkdir(base, { recursive: true, mode: user ? 0o711 : 0o700 })
  if (!user) return
  const { mode } = await stat(base)
  if (made !== undefined || (mode & 0o011) !== 0o011) await chmod(base, (mode & 0o777) | 0o011)
}

/** A folder of mode 0700 of the user; one that exists must be theirs or ours, as others may write to its parent. */
async function makePrivate(folder: string, user: EngineUser | undefined): Promise<void> {
  const uid = user?.uid ?? process.getuid?.()
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const found = await lstat(folder)
  const ours = found.uid === process.getuid?.()
  if (!found.isDirectory() || (uid !== undefined && found.uid !== uid && !ours)) {
    throw new StoreError('unsupported', `${folder} belongs to somebody else: it must be a folder of user id ${uid}`)
  }
  if (user && found.uid !== uid) await chown(folder, user.uid, user.gid)
  if ((found.mode & 0o077) !== 0) await chmod(folder, 0o700)
}
