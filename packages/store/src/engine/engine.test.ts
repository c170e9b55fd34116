import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { openStore } from '../open.ts'
import type { Store } from '../store.ts'
import { startEngine } from './engine.ts'
import { preparePlace } from './place.ts'
import { canReach, engineUser } from './user.ts'

const quiet = () => {}

describe('the embedded engine', () => {
  let data: string
  const stores: Store[] = []
  const lines: string[] = []
  const open = async (folder = data) => {
    const store = await openStore({ data: folder, fsync: false, log: (_, text) => void lines.push(text) })
    stores.push(store)
    return store
  }
  const postmaster = async () =>
    Number.parseInt(await readFile(join(data, 'postgres/cluster/postmaster.pid'), 'utf8'), 10)

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'engine-'))
    lines.length = 0
  })
  afterEach(async () => {
    await Promise.all(stores.splice(0).map(store => store.close()))
    await rm(data, { recursive: true, force: true })
  })

  test('starts, says where it is, keeps its files to itself, and is gone after the close', async () => {
    const store = await open()
    expect(store.kind).toBe('embedded')
    expect(store.description).toMatch(/^PostgreSQL 18\.\d+, the data folder /)
    const pid = await postmaster()
    for (const folder of ['postgres', 'postgres/cluster', 'postgres/run']) {
      expect([folder, (await stat(join(data, folder))).mode & 0o777]).toEqual([folder, 0o700])
    }
    const user = await engineUser()
    expect((await stat(join(data, 'postgres'))).uid).toBe(user?.uid ?? process.getuid?.())
    await store.close()
    expect(() => process.kill(pid, 0)).toThrow()
    expect(await readdir(join(data, 'postgres/run'))).toEqual([])
  })

  test('keeps what was stored over a restart', async () => {
    const first = await open()
    await first.accounts.create('romeo@example.org', [])
    await first.close()
    expect(await (await open()).accounts.get('romeo@example.org')).toMatchObject({ jid: 'romeo@example.org' })
    expect(lines.filter(line => line.startsWith('Created'))).toHaveLength(1)
  })

  test('refuses a second server on the same data and names the first, which goes on', async () => {
    const first = await open()
    const refused = { code: 'in-use', message: expect.stringContaining(`parley ${process.pid} on ${hostname()}`) }
    await expect(open()).rejects.toMatchObject(refused)
    expect(await first.accounts.count('example.org')).toBe(0)
  })

  test('of servers that start at once on new data one wins and the others are refused', async () => {
    const results = await Promise.allSettled([open(), open(), open()])
    const refusals = results
      .filter(result => result.status === 'rejected')
      .map(result => (result.reason as { code: string }).code)
    expect(refusals).toEqual(['in-use', 'in-use'])
  })

  test('adopts a server that is still running', async () => {
    const orphan = await startEngine(data, quiet, false)
    const pid = await postmaster()
    await open()
    expect(await postmaster()).toBe(pid)
    expect(orphan.folder).toBe(join(data, 'postgres'))
  })

  test('starts over a process file that names a stranger', async () => {
    await (await open()).close()
    await writeFile(join(data, 'postgres/cluster/postmaster.pid'), `${process.pid}\n${data}\n`)
    expect(await (await open()).health()).toBeGreaterThan(0)
  })

  test('starts its server again when that is killed, and every call made since then succeeds', async () => {
    const store = await open()
    await store.accounts.create('romeo@example.org', [])
    process.kill(await postmaster(), 'SIGKILL')
    const [id] = await store.messages.append([
      { owner: 'romeo@example.org', peer: 'a@b', type: 'chat', stanza: '<message/>', kept: true, owed: false },
    ])
    expect(await store.messages.byId('romeo@example.org', id!)).toBeDefined()
    expect(await store.accounts.count('example.org')).toBe(1)
  })

  test('uses a short folder for the socket where the path is long', async () => {
    await chmod(data, 0o711)
    const long = join(data, 'x'.repeat(60), 'y'.repeat(60))
    const store = await open(long)
    expect(await store.health()).toBeGreaterThan(0)
    expect(store.description).toContain(long)
    await store.close()
    expect((await readdir(tmpdir())).filter(name => /^parley-[0-9a-f]{12}$/.test(name))).toEqual([])
  })

  test('refuses data of another major version', async () => {
    await (await open()).close()
    await writeFile(join(data, 'postgres/cluster/PG_VERSION'), '17\n')
    await expect(open()).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('PostgreSQL 17'),
    })
  })

  test('says what is wrong when the server does not come up', async () => {
    await (await open()).close()
    await writeFile(join(data, 'postgres/cluster/pg_hba.conf'), 'nonsense\n')
    await expect(open()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('pg_hba.conf') })
  })

  describe('as another user', () => {
    const stranger = { uid: 65_534, gid: 65_534 }

    test('a folder is out of reach when one above it is closed', async () => {
      const closed = join(data, 'closed')
      await mkdir(join(closed, 'inner'), { recursive: true })
      await chmod(data, 0o755)
      await chmod(closed, 0o700)
      expect(await canReach(stranger, join(closed, 'inner/not-there-yet'))).toBe(false)
      await chmod(closed, 0o711)
      expect(await canReach(stranger, join(closed, 'inner'))).toBe(true)
    })

    test('data that cannot be reached is kept elsewhere, and the log tells where', async () => {
      if (process.getuid?.() !== 0) return expect(await engineUser()).toBeUndefined()
      const closed = join(data, 'closed')
      await mkdir(closed, { mode: 0o700 })
      const place = await preparePlace(
        join(closed, 'data'),
        stranger,
        (_, text) => void lines.push(text),
        join(data, 'elsewhere'),
      )
      expect(place.folder.startsWith(join(data, 'elsewhere/'))).toBe(true)
      expect((await stat(place.folder)).uid).toBe(stranger.uid)
      expect(lines).toEqual([expect.stringContaining(place.folder)])
    })

    test('the place of a database does not change when paths open or close', async () => {
      if (process.getuid?.() !== 0) return expect(await engineUser()).toBeUndefined()
      const closed = join(data, 'closed')
      await mkdir(closed, { mode: 0o700 })
      await chmod(data, 0o755)
      const place = () => preparePlace(join(closed, 'data'), stranger, () => {}, join(data, 'elsewhere'))
      const first = await place()
      await chmod(closed, 0o755)
      expect((await place()).folder).toBe(first.folder)
      await rm(first.folder, { recursive: true })
      await expect(place()).rejects.toThrow('which is gone')
    })

    test('a database that has become unreachable is not replaced by an empty one', async () => {
      if (process.getuid?.() !== 0) return expect(await engineUser()).toBeUndefined()
      const open = join(data, 'open')
      await mkdir(open, { mode: 0o755 })
      await chmod(data, 0o755)
      const place = () => preparePlace(join(open, 'data'), stranger, () => {}, join(data, 'elsewhere'))
      await mkdir((await place()).cluster)
      await chmod(open, 0o700)
      await expect(place()).rejects.toThrow('cannot be reached by its user any more')
    })

    test('a folder that somebody else has made is not used', async () => {
      await chmod(data, 0o711)
      await mkdir(join(data, 'postgres'))
      if (process.getuid?.() === 0) await chown(join(data, 'postgres'), 12_345, 12_345)
      else
        await rename(join(data, 'postgres'), join(data, 'aside')).then(() => symlink('aside', join(data, 'postgres')))
      await expect(preparePlace(data, await engineUser(), quiet)).rejects.toMatchObject({ code: 'unsupported' })
    })
  })
})
