import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type KeyRecord, Keyring, type KeySource } from './keys.ts'
import { rewrap, seal, unseal } from './seal.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-keys-'))
  file = join(folder, 'gateway.key')
})
afterEach(() => rm(folder, { recursive: true }))

/** What all processes know of which key seals. */
function record(): KeyRecord {
  let id: string | undefined
  return {
    known: async () => id,
    claim: async own => (id ??= own),
    replace: async own => {
      id = own
    },
  }
}

let shared: KeyRecord
beforeEach(() => {
  shared = record()
})
const open = (source: KeySource, known = shared) => new Keyring(source, known)

const place = { owner: 'romeo@example.org', provider: 'irc', field: 'password' }

describe('threat 159: what is sealed', () => {
  test('says nothing, is never twice the same, and opens again', async () => {
    const keys = open({ file })
    for (const text of ['', 'wherefore', 'ü'.repeat(5000)]) {
      const sealed = await seal(keys, text, place)
      expect(sealed).not.toContain('wherefore')
      expect(sealed).not.toBe(await seal(keys, text, place))
      expect(await unseal(keys, sealed, place)).toBe(text)
    }
  })

  test('opens nowhere else', async () => {
    const keys = open({ file })
    const sealed = await seal(keys, 'wherefore', place)
    for (const other of [{ owner: 'tybalt@example.org' }, { provider: 'sip' }, { field: 'token' }])
      await expect(unseal(keys, sealed, { ...place, ...other })).rejects.toThrow()
    const stranger = open({ file: join(folder, 'other.key') }, record())
    await expect(unseal(stranger, sealed, place)).rejects.toThrow('which is not here')
  })

  test('does not open when a byte of it was changed', async () => {
    const keys = open({ file })
    const sealed = await seal(keys, 'wherefore', place)
    const [edition, id, wrapped = '', text = ''] = sealed.split('.')
    const changed = (part: string, at: number) => {
      const bytes = Buffer.from(part, 'base64url')
      bytes[at]! ^= 1
      return bytes.toString('base64url')
    }
    for (let at = 0; at < Buffer.from(wrapped, 'base64url').length; at++)
      await expect(unseal(keys, [edition, id, changed(wrapped, at), text].join('.'), place)).rejects.toThrow()
    for (let at = 0; at < Buffer.from(text, 'base64url').length; at++)
      await expect(unseal(keys, [edition, id, wrapped, changed(text, at)].join('.'), place)).rejects.toThrow()
    for (const nonsense of ['', '1', `1.${id}.a.b`, `2.${id}.${wrapped}.${text}`, `${sealed}.more`])
      await expect(unseal(keys, nonsense, place)).rejects.toThrow()
  })
})

describe('the keys', () => {
  test('are in a file that nobody else may read', async () => {
    await open({ file }).current()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test('are not made before a secret is sealed', async () => {
    await open({ file }).check()
    expect(await readdir(folder)).toEqual([])
  })

  test('are made once, by whichever process', async () => {
    const keys = await Promise.all(Array.from({ length: 5 }, () => open({ file }).current()))
    expect(new Set(keys.map(({ id }) => id)).size).toBe(1)
    expect(await readdir(folder)).toEqual(['gateway.key'])
  })

  test('are made once, on whichever node', async () => {
    const files = ['a', 'b', 'c'].map(name => join(folder, name))
    const made = await Promise.allSettled(files.map(name => open({ file: name }).current()))
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(await readdir(folder)).toHaveLength(1)
  })

  test('are not made anew where secrets were sealed, and are taken when they come', async () => {
    const { id } = await open({ file }).current()
    const copy = join(folder, 'copy.key')
    const elsewhere = open({ file: copy })
    const missing = `copy.key: the key of sealed secrets is missing. Copy it from where the secrets were sealed (key ${id})`
    await expect(elsewhere.check()).rejects.toThrow(missing)
    await expect(seal(elsewhere, 'wherefore', place)).rejects.toThrow(missing)
    await expect(elsewhere.renew()).rejects.toThrow(missing)
    await copyFile(file, copy)
    expect((await elsewhere.current()).id).toBe(id)
  })

  test('must be keys', async () => {
    for (const text of ['', 'a', 'id short', 'id\tAAAA', `${'A'.repeat(43)}=`])
      await expect(open({ file, text }).check()).rejects.toThrow(TypeError)
    await writeFile(file, 'nonsense')
    await expect(open({ file }).check()).rejects.toThrow(`${file}: each line must be an id and 32 bytes in base64`)
  })

  test('a new key seals, the old one opens, and what is wrapped again needs it no more', async () => {
    const keys = open({ file })
    const elsewhere = open({ file })
    const old = await seal(keys, 'wherefore', place)
    await keys.renew()
    const fresh = await seal(keys, 'art thou', place)
    expect(await unseal(keys, old, place)).toBe('wherefore')
    expect(await unseal(elsewhere, fresh, place)).toBe('art thou')
    const wrapped = await rewrap(keys, old, place)
    expect(await rewrap(keys, wrapped!, place)).toBeUndefined()
    const [newest] = (await readFile(file, 'utf8')).split('\n')
    const alone = open({ file, text: newest })
    expect(await unseal(alone, wrapped!, place)).toBe('wherefore')
    await expect(unseal(alone, old, place)).rejects.toThrow('which is not here')
  })

  test('may come from the environment', async () => {
    const keys = open({ file })
    const sealed = await seal(keys, 'wherefore', place)
    const text = (await readFile(file, 'utf8')).trim()
    await rm(file)
    const given = open({ file, text: `${text},old ${Buffer.alloc(32).toString('base64')}` })
    expect(await unseal(given, sealed, place)).toBe('wherefore')
    await given.renew()
    expect(await given.current()).toEqual(await keys.current())
  })
})
