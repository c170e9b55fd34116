import { randomUUID, webcrypto, X509Certificate } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { domainToASCII } from 'node:url'
import type { KeyPair } from './certificate-files.ts'

const YEAR = 365 * 86_400_000
const LIFETIME = 2 * YEAR
/** Made anew this long before it ends. */
const RENEWAL = 30 * 86_400_000
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** The self-signed certificate of a domain, kept below `folder`; made where there is none, or the one there ends soon. */
export async function selfSigned(folder: string, domain: string, now: number): Promise<KeyPair> {
  const file = join(folder, `${fileName(domain)}.pem`)
  const kept = await readFile(file, 'utf8').catch(ifAbsent)
  if (kept !== undefined && Date.parse(new X509Certificate(kept).validTo) > now + RENEWAL) {
    return { cert: kept, key: kept }
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // One file for both, put in its place at once: a crash leaves no certificate without its key.
  const made = `${file}.${randomUUID()}`
  try {
    await writeFile(made, await make(domain, now), { mode: 0o600 })
    // Of several processes that begin together all have the certificate of the first one.
    if (kept === undefined) await link(made, file).catch(ifThere)
    else await rename(made, file)
  } finally {
    await rm(made, { force: true })
  }
  const both = await readFile(file, 'utf8')
  return { cert: both, key: both }
}

/** A domain as a file name: an address literal such as `[::1]` has characters that not every file system takes. */
export function fileName(domain: string): string {
  return domain.replaceAll(/[^\p{L}\p{M}\p{N}.-]/gu, '_')
}

async function make(domain: string, now: number): Promise<string> {
  // x509 asks for metadata reflection, and both take a while to load: only where a certificate must be made.
  await import('reflect-metadata')
  const { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } = await import('@peculiar/x509')
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const ip = /^(\d+\.){3}\d+$|^\[/.test(domain)
  const name = ip ? domain.replace(/[[\]]/g, '') : domainToASCII(domain)
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: [name] }],
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(now - 86_400_000),
      notAfter: new Date(now + LIFETIME),
      extensions: [new SubjectAlternativeNameExtension([{ type: ip ? 'ip' : 'dns', value: name }])],
    },
    webcrypto,
  )
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return `${certificate.toString('pem')}\n${key}\n`
}

function ifThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

function ifAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
