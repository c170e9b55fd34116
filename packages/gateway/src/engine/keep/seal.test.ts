import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Keyring } from './keys.ts'
import { rewrap, seal, unseal } from './seal.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-keys-'))
  file = join(folder, 'gateway.key')
})
afterEach(() => rm(folder, { recursive: true }))

const place = { owner: 'romeo@example.org', provider: 'irc', field: 'password' }

describe('threat 159: what is sealed', () => {
  test('says nothing, is never twice the same, and opens again', async () => {
    const keys = await Keyring.open({ file })
    for (const text of ['', 'wherefore', 'ü'.repeat(5000)]) {
      const sealed = seal(keys, text, place)
      expect(sealed).not.toContain('wherefore')
      expect(sealed).not.toBe(seal(keys, text, place))
      expect(await unseal(keys, sealed, place)).toBe(text)
    }
  })

  test('opens nowhere else', async () => {
    const keys = await Keyring.open({ file })
    const sealed = seal(keys, 'wherefore', place)
    for (const other of [{ owner: 'tybalt@example.org' }, { provider: 'sip' }, { field: 'token' }])
      await expect(unseal(keys, sealed, { ...place, ...other })).rejects.toThrow()
    const stranger = await Keyring.open({ file: join(folder, 'other.key') })
    await expect(unseal(stranger, sealed, place)).rejects.toThrow('which is not here')
  })

  test('does not open when a byte of it was changed', async () => {
    const keys = await Keyring.open({ file })
    const sealed = seal(keys, 'wherefore', place)
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
    await Keyring.open({ file })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test('are made once, by whichever process', async () => {
    const rings = await Promise.all(Array.from({ length: 5 }, () => Keyring.open({ file })))
    expect(new Set(rings.map(ring => ring.current.id)).size).toBe(1)
    expect(await readdir(folder)).toEqual(['gateway.key'])
  })

  test('are not made anew where secrets were sealed', async () => {
    await expect(Keyring.open({ file }, 'abcd')).rejects.toThrow('gateway.key: the key of sealed secrets is missing')
  })

  test('must be keys', async () => {
    for (const text of ['', 'a', 'id short', 'id\tAAAA', `${'A'.repeat(43)}=`])
      await expect(Keyring.open({ file, text })).rejects.toThrow(TypeError)
    await writeFile(file, 'nonsense')
    await expect(Keyring.open({ file })).rejects.toThrow(`${file}: each line must be an id and 32 bytes in base64`)
  })

  test('a new key seals, the old one opens, and what is wrapped again needs it no more', async () => {
    const keys = await Keyring.open({ file })
    const elsewhere = await Keyring.open({ file })
    const old = seal(keys, 'wherefore', place)
    await keys.renew()
    const fresh = seal(keys, 'art thou', place)
    expect(await unseal(keys, old, place)).toBe('wherefore')
    expect(await unseal(elsewhere, fresh, place)).toBe('art thou')
    const wrapped = await rewrap(keys, old, place)
    expect(await rewrap(keys, wrapped!, place)).toBeUndefined()
    const [newest] = (await readFile(file, 'utf8')).split('\n')
    const alone = await Keyring.open({ file, text: newest })
    expect(await unseal(alone, wrapped!, place)).toBe('wherefore')
    await expect(unseal(alone, old, place)).rejects.toThrow('which is not here')
  })

  test('may come from the environment', async () => {
    const keys = await Keyring.open({ file })
    const sealed = seal(keys, 'wherefore', place)
    const text = (await readFile(file, 'utf8')).trim()
    await rm(file)
    const given = await Keyring.open({ file, text: `${text},old ${Buffer.alloc(32).toString('base64')}` })
    expect(await unseal(given, sealed, place)).toBe('wherefore')
    await given.renew()
    expect(given.current.id).toBe(keys.current.id)
  })
})
