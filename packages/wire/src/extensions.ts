import { DerError, OCTET_STRING, OID, openDer, readDer } from './der.ts'

/** An extension of a certificate (RFC 5280 §4.1). */
export interface Extension {
  /** Its object identifier, as hex of the contents. */
  readonly id: string
  readonly isCritical: boolean
  /** DER. */
  readonly value: Buffer
}

/** A context tag of TBSCertificate. */
const EXTENSIONS = 0xa3
const BOOLEAN = 0x01

/** @param certificate DER @throws DerError */
export function certificateExtensions(certificate: Buffer): Extension[] {
  const [body] = openDer(certificate)
  const extensions = readDer(body?.content ?? Buffer.alloc(0)).find(({ tag }) => tag === EXTENSIONS)
  return extensions ? openDer(extensions.content).map(({ content }) => read(readDer(content))) : []
}

function read([id, ...rest]: ReturnType<typeof readDer>): Extension {
  const value = rest.at(-1)
  if (id?.tag !== OID || value?.tag !== OCTET_STRING) throw new DerError('no extension')
  const isCritical = rest[0]?.tag === BOOLEAN && rest[0].content[0] !== 0
  return { id: id.content.toString('hex'), isCritical, value: value.content }
}
