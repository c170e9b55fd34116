import { openStore, type Store, scratchDatabase } from '@parley/store'

let opened: Promise<Store> | undefined

/**
 * An empty store: one database for each test process, wiped before each use. `PARLEY_TEST_DATABASE` is the server it is
 * made on, set by the runner: the embedded engine, or a PostgreSQL server for the second round.
 */
export async function emptyStore(clock: () => number): Promise<Store> {
  const admin = process.env['PARLEY_TEST_DATABASE']
  if (admin === undefined)
    throw new Error('PARLEY_TEST_DATABASE is not set: run the tests through npm test or npm run jest')
  opened ??= scratchDatabase(admin).then(({ url }) =>
    openStore({ url, data: '', fsync: false, exclusive: false, clock: () => currentClock() }),
  )
  currentClock = clock
  const store = await opened
  await store.wipe()
  return store
}

let currentClock: () => number = Date.now

/** Lets go of the database; call once when the tests of a file are done. */
export async function closeStore(): Promise<void> {
  const store = await opened
  opened = undefined
  await store?.close()
}
