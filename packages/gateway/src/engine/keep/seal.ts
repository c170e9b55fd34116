import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Keyring } from './keys.ts'

/** What a sealed text belongs to: nowhere else can it be opened. */
export interface SealedFor {
  readonly owner: string
  readonly provider: string
  readonly field: string
}

const CIPHER = 'aes-256-gcm'
const IV = 12
const TAG = 16
const KEY = 32
const EDITION = '1'

/**
 * `1.<id of the master key>.<wrapped data key>.<sealed text>`: AES-256-GCM twice. Each text has a data key of its own, so that a new
 * master key wraps small things again and seals nothing anew.
 */
export async function seal(keys: Keyring, text: string, place: SealedFor): Promise<string> {
  const data = randomBytes(KEY)
  const { id, key } = await keys.current()
  const wrapped = encrypt(key, data, aad(place))
  return [EDITION, id, wrapped, encrypt(data, Buffer.from(text, 'utf8'), aad(place))].join('.')
}

/** @throws Error where it is not ours, belongs elsewhere or was changed */
export async function unseal(keys: Keyring, sealed: string, place: SealedFor): Promise<string> {
  const { data, text } = await dataKey(keys, sealed, place)
  return decrypt(data, text, aad(place)).toString('utf8')
}

/** The same text under the newest master key; undefined: it is already. */
export async function rewrap(keys: Keyring, sealed: string, place: SealedFor): Promise<string | undefined> {
  const { id, key } = await keys.current()
  if (sealed.split('.')[1] === id) return undefined
  const { data, text } = await dataKey(keys, sealed, place)
  return [EDITION, id, encrypt(key, data, aad(place)), text].join('.')
}

async function dataKey(
  keys: Keyring,
  sealed: string,
  place: SealedFor,
): Promise<{ readonly data: Buffer; readonly text: string }> {
  const [edition, id = '', wrapped = '', text = '', ...rest] = sealed.split('.')
  if (edition !== EDITION || rest.length > 0) throw new Error('What is sealed has another form')
  const master = await keys.find(id)
  if (!master) throw new Error(`What is sealed needs the key ${id}, which is not here`)
  return { data: decrypt(master.key, wrapped, aad(place)), text }
}

function aad({ owner, provider, field }: SealedFor): Buffer {
  return Buffer.from(JSON.stringify([owner, provider, field]))
}

function encrypt(key: Buffer, plain: Buffer, about: Buffer): string {
  const iv = randomBytes(IV)
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(about)
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

function decrypt(key: Buffer, text: string, about: Buffer): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length < IV + TAG) throw new Error('What is sealed is too short')
  const cipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV), { authTagLength: TAG }).setAAD(about)
  cipher.setAuthTag(bytes.subarray(-TAG))
  return Buffer.concat([cipher.update(bytes.subarray(IV, -TAG)), cipher.final()])
}
