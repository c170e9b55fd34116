import { access, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DomainConfig } from '@xmpp/server-core'
import { fileName } from './self-signed.ts'

/** A certificate with its chain, and its private key; both PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** Where the certificate of a domain lies. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
  /** What the operator may change, for error texts. */
  readonly source: string
}

/** A certificate can not be used. The message names the configuration key or the file, and what is wrong. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
}

/**
 * Finds a domain's files: what the configuration names, else `<folder>/<domain>.pem` and `.key`, else
 * `<folder>/<domain>/fullchain.pem` and `privkey.pem` as ACME clients lay them. Undefined: there are none.
 */
export async function findFiles(folder: string, domain: DomainConfig): Promise<CertificateFiles | undefined> {
  if (domain.certificate) return { ...domain.certificate, source: `domains.${domain.domain}.certificate` }
  const name = fileName(domain.domain)
  const pairs = [
    [join(folder, `${name}.pem`), join(folder, `${name}.key`)],
    [join(folder, name, 'fullchain.pem'), join(folder, name, 'privkey.pem')],
  ] as const
  for (const [cert, key] of pairs) if (await exists(cert)) return { cert, key, source: cert }
  return undefined
}

/** @throws CertificateError */
export async function readFiles({ cert, key, source }: CertificateFiles): Promise<KeyPair> {
  const read = async (part: string, path: string) => {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      throw new CertificateError(
        `${source}: the ${part} ${path} can not be read (${(error as { code?: string }).code})`,
      )
    }
  }
  return { cert: await read('certificate', cert), key: await read('key', key) }
}

/** When the files changed last, as one text to compare. */
export async function changeTimes({ cert, key }: CertificateFiles): Promise<string> {
  const times = await Promise.all(
    [cert, key].map(path =>
      stat(path)
        .then(({ mtimeMs }) => mtimeMs)
        .catch(() => 0),
    ),
  )
  return times.join(' ')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
