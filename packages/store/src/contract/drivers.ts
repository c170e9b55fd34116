import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../open.ts'
import { scratchDatabase } from '../scratch.ts'
import type { Store, StoreOptions } from '../store.ts'

/** One kind of server, started for a test file. */
export interface Driver {
  readonly name: string
  /** Opens a store on an empty database that `close` throws away. */
  open(options?: Partial<StoreOptions>): Promise<Opened>
}

export interface Opened {
  readonly store: Store
  /** The same options again, for a second store on the same data. */
  readonly options: StoreOptions
  close(): Promise<void>
}

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'parley-store-'))
}

const embedded: Driver = {
  name: 'embedded',
  async open(changes) {
    const options = { data: await temporaryFolder(), fsync: false, ...changes }
    const store = await openStore(options)
    const close = async () => {
      await store.close()
      await rm(options.data, { recursive: true, force: true })
    }
    return { store, options, close }
  },
}

const given = (adminUrl: string): Driver => ({
  name: 'postgresql',
  async open(changes) {
    const database = await scratchDatabase(adminUrl)
    const options = { url: database.url, data: tmpdir(), fsync: false, ...changes }
    const store = await openStore(options)
    const close = async () => {
      await store.close()
      await database.drop()
    }
    return { store, options, close }
  },
})

const adminUrl = process.env['PARLEY_TEST_POSTGRES']

/** The embedded engine always; a given server where PARLEY_TEST_POSTGRES names one. */
export const drivers: readonly Driver[] = adminUrl ? [embedded, given(adminUrl)] : [embedded]

/** A name that no other test uses. */
export function fresh(name: string, host = 'example.org'): string {
  return `${name}-${randomBytes(6).toString('hex')}@${host}`
}

export const freshHost = (): string => `${randomBytes(6).toString('hex')}.example`
