import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The account that the engine runs under. */
export interface EngineUser {
  readonly uid: number
  readonly gid: number
}

const NOBODY = 65_534

/** PostgreSQL refuses to run as root, so root lends it the account `nobody`; undefined: it runs as we do. */
export async function engineUser(): Promise<EngineUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(passwd) ?? []
  return { uid: Number(uid ?? NOBODY), gid: Number(gid ?? NOBODY) }
}

/** Whether the user may pass through every folder from the root down to `folder`, which need not exist yet. */
export async function canReach(user: EngineUser, folder: string): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    const found = await stat(path).catch(() => undefined)
    if (found) {
      const shift = found.uid === user.uid ? 6 : found.gid === user.gid ? 3 : 0
      if (((found.mode >> shift) & 1) === 0) return false
    }
    if (path === dirname(path)) return true
  }
}
