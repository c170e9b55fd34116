import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { FakeClock } from '@parley/testkit'
import { configSchema, resolveDomains, silentLogger } from '@xmpp/server-core'
import { type Issued, issue } from '../test/issue.ts'
import { Certificates } from './certificates.ts'

let data: string
let opened: Certificates[] = []
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'certificates-'))
})
afterEach(async () => {
  for (const certificates of opened) certificates.close()
  opened = []
  await rm(data, { recursive: true })
})

async function open(config: Record<string, unknown>, clock = new FakeClock(Date.now())): Promise<Certificates> {
  const parts = { config: resolveDomains(configSchema.parse({ data, ...config })), log: silentLogger, clock }
  const certificates = await Certificates.open(parts)
  opened.push(certificates)
  return certificates
}

async function put({ cert, key }: Issued, certName: string, keyName: string): Promise<{ cert: string; key: string }> {
  const files = { cert: join(data, certName), key: join(data, keyName) }
  await mkdir(join(files.cert, '..'), { recursive: true })
  await writeFile(files.cert, cert)
  await writeFile(files.key, key)
  return files
}

describe('where certificates come from', () => {
  test('the files that the configuration names', async () => {
    const certificate = await put(await issue({ dns: 'a.test' }), 'my.crt', 'my.key')
    const certificates = await open({ domains: { 'a.test': { certificate } } })
    expect(certificates.describe('a.test')).toMatchObject({ names: ['a.test'], file: certificate.cert })
  })

  test.each([
    ['certificates/a.test.pem', 'certificates/a.test.key'],
    ['certificates/a.test/fullchain.pem', 'certificates/a.test/privkey.pem'],
  ])('%s in the data folder', async (cert, key) => {
    const files = await put(await issue({ dns: 'a.test' }), cert, key)
    expect((await open({ domains: ['a.test'] })).describe('a.test')?.file).toBe(files.cert)
  })

  test('a self-signed one, made once, for names of all kinds, readable by its owner alone', async () => {
    const domains = ['a.test', 'bücher.example', '192.0.2.1', '[2001:db8::1]']
    const first = await open({ domains })
    expect(domains.map(domain => first.describe(domain)?.names)).toEqual([
      ['a.test'],
      ['xn--bcher-kva.example'],
      ['192.0.2.1'],
      ['[2001:db8::1]'],
    ])
    expect(first.describe('a.test')?.selfSigned).toBe(true)
    const second = await open({ domains })
    expect(second.options('a.test', 'https').cert).toBe(first.options('a.test', 'https').cert)
    const folder = join(data, 'certificates', 'self-signed')
    for (const file of await readdir(folder)) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600)
  })

  test('processes that begin together have one and the same', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => open({ domains: ['a.test'] })))
    expect(new Set(all.map(each => each.options('a.test', 'https').cert)).size).toBe(1)
    expect(await readdir(join(data, 'certificates', 'self-signed'))).toEqual(['a.test.pem'])
  })

  test('a self-signed one that ends soon is made anew', async () => {
    const clock = new FakeClock(Date.now())
    const before = (await open({ domains: ['a.test'] }, clock)).describe('a.test')!
    const later = await open({ domains: ['a.test'] }, new FakeClock(before.expires - 86_400_000))
    expect(later.describe('a.test')!.expires).toBeGreaterThan(before.expires)
  })

  test('a name that is asked for in any spelling', async () => {
    const certificates = await open({ domains: ['bücher.example'] })
    expect(certificates.context('XN--BCHER-KVA.example')).toBeDefined()
    expect(certificates.context('other.example')).toBeUndefined()
  })
})

describe('what can not be used', () => {
  test.each([
    ['is absent', undefined, 'ENOENT'],
    ['is no certificate', { cert: 'garbage', key: 'garbage' }, 'no PEM certificate'],
  ])('a file that %s is named with its key', async (_, pair, reason) => {
    const certificate = { cert: join(data, 'x.pem'), key: join(data, 'x.key') }
    if (pair) await put(pair as Issued, 'x.pem', 'x.key')
    await expect(open({ domains: { 'a.test': { certificate } } })).rejects.toThrow(
      new RegExp(`domains.a.test.certificate: .*${reason}`),
    )
  })

  test('a key of another certificate, without saying what is in it', async () => {
    const [one, two] = [await issue({ dns: 'a.test' }), await issue({ dns: 'a.test' })]
    const certificate = await put({ ...one, key: two.key }, 'x.pem', 'x.key')
    await expect(open({ domains: { 'a.test': { certificate } } })).rejects.toThrow(
      'domains.a.test.certificate: the key is not that of the certificate',
    )
  })

  test('a client authority that is not there', async () => {
    await expect(open({ domains: ['a.test'], tls: { clientCa: '/nowhere.pem' } })).rejects.toThrow('tls.clientCa')
  })
})

describe('reload', () => {
  test('takes the new file; a bad one leaves the one before, and is told', async () => {
    const files = await put(await issue({ dns: 'a.test' }), 'certificates/a.test.pem', 'certificates/a.test.key')
    const certificates = await open({ domains: ['a.test'] })
    const before = certificates.context('a.test')
    let told = 0
    certificates.onReload(() => told++)

    await writeFile(files.cert, 'half a file')
    expect(await certificates.reload()).toEqual([expect.stringContaining(`${files.cert}: the certificate is no PEM`)])
    expect(certificates.context('a.test')).toBe(before)

    await put(await issue({ dns: 'b.test' }), 'certificates/a.test.pem', 'certificates/a.test.key')
    expect(await certificates.reload()).toEqual([])
    expect(certificates.describe('a.test')?.names).toEqual(['b.test'])
    expect(told).toBe(2)
  })

  test('happens by itself within an hour of a change', async () => {
    const clock = new FakeClock(Date.now())
    const certificates = await open({ domains: ['a.test'] }, clock)
    await put(await issue({ dns: 'a.test' }), 'certificates/a.test.pem', 'certificates/a.test.key')
    const reloaded = new Promise<void>(resolve => void certificates.onReload(resolve))
    clock.advance(3_600_000)
    await reloaded
    expect(certificates.describe('a.test')?.file).toBe(join(data, 'certificates', 'a.test.pem'))
  })
})
