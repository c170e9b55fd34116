import { createHash } from 'node:crypto'
import { chmod, chown, lstat, mkdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
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
  let folder = join(base, 'postgres')
  if (user && !(await canReach(user, base))) {
    folder = join(fallback, digest)
    await mkdir(fallback, { recursive: true, mode: 0o711 })
    log('info', `The database is kept in ${folder}: its user cannot reach ${base}`)
  }
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
