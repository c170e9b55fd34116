import type { Store } from '@parley/store'
import { type Family, single } from './openmetrics.ts'

/**
 * Figures of the store: its message log, and the way to the database now.
 *
 * @param roundTrip milliseconds to the database and back; undefined where it does not answer
 */
export function storeFamilies(store: Store, roundTrip: number | undefined): Family[] {
  const { rowsWaiting, batchRows, commitSeconds, retries } = store.stats()
  return [
    single(
      'gauge',
      { name: 'parley_store_up', help: '1 where the database answers.' },
      roundTrip === undefined ? 0 : 1,
    ),
    {
      name: 'parley_store_round_trip_seconds',
      type: 'gauge',
      unit: 'seconds',
      help: 'To the database and back, at the time of the scrape.',
      samples: roundTrip === undefined ? [] : [{ value: roundTrip / 1000 }],
    },
    single('gauge', { name: 'parley_log_rows_waiting', help: 'Rows that wait for their commit.' }, rowsWaiting),
    {
      name: 'parley_log_batch_rows',
      type: 'histogram',
      help: 'Rows of one commit of the message log.',
      samples: [{ value: batchRows }],
    },
    {
      name: 'parley_log_commit_seconds',
      type: 'histogram',
      unit: 'seconds',
      help: 'Time of one commit of the message log.',
      samples: [{ value: commitSeconds }],
    },
    single(
      'counter',
      { name: 'parley_log_retries', help: 'How often a commit was tried again because the database was away.' },
      retries,
    ),
  ]
}
