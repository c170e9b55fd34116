import type { Database } from './database.ts'
import type { Owner } from './owner.ts'
import { sql } from './sql.ts'

/** Somebody's account with another network: the owner of the rows, and the name of the network here. */
export interface GatewayAccount {
  readonly owner: Owner
  readonly provider: string
}

export interface GatewayLetter {
  readonly key: string
  /** Milliseconds since 1970: later it is not sent any more. */
  readonly expires: number
  readonly message: string
}

/** An id of a network, and the id that a stanza carries for the same message. */
export interface GatewayId {
  readonly peer: string
  readonly native: string
  readonly stanza: string
}

/** What the gateways to other networks keep besides maps. */
export interface GatewayStore {
  /** False: a letter with that key waits already. */
  queue(account: GatewayAccount, letter: GatewayLetter): Promise<boolean>
  /** All that waits, in the order in which it was queued. */
  queued(account: GatewayAccount): Promise<GatewayLetter[]>
  /** Accounts with letters that have waited too long. */
  overdue(now: number): Promise<GatewayAccount[]>
  /** False: there was none with that key. */
  unqueue(account: GatewayAccount, key: string): Promise<boolean>
  /** False: that id of the network is known. */
  addId(account: GatewayAccount, pair: GatewayId): Promise<boolean>
  idByNative(account: GatewayAccount, native: string): Promise<GatewayId | undefined>
  /** The first one, where a stanza became several messages there. */
  idByStanza(account: GatewayAccount, stanza: string): Promise<GatewayId | undefined>
  /** Forgets the letters and ids of an account. */
  clear(account: GatewayAccount): Promise<void>
}

const ACCOUNT = 'owner = $1 AND provider = $2'

const insertLetter = sql(
  'gateway-queue',
  'INSERT INTO gateway_queue (owner, provider, key, expires, message) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING',
)
const selectLetters = sql<{ key: string; expires: bigint; message: string }>(
  'gateway-queued',
  `SELECT key, expires, message FROM gateway_queue WHERE ${ACCOUNT} ORDER BY seq`,
)
const selectOverdue = sql<GatewayAccount>(
  'gateway-overdue',
  'SELECT DISTINCT owner, provider FROM gateway_queue WHERE expires <= $1 LIMIT 1000',
)
const deleteLetter = sql('gateway-unqueue', `DELETE FROM gateway_queue WHERE ${ACCOUNT} AND key = $3`)
const deleteLetters = sql('gateway-clear-queue', `DELETE FROM gateway_queue WHERE ${ACCOUNT}`)
const insertId = sql(
  'gateway-id-add',
  `INSERT INTO gateway_id (owner, provider, native, peer, stanza, created) VALUES ($1, $2, $3, $4, $5, $6)
   ON CONFLICT DO NOTHING`,
)
const selectByNative = sql<GatewayId>(
  'gateway-id-native',
  `SELECT peer, native, stanza FROM gateway_id WHERE ${ACCOUNT} AND native = $3`,
)
const selectByStanza = sql<GatewayId>(
  'gateway-id-stanza',
  `SELECT peer, native, stanza FROM gateway_id WHERE ${ACCOUNT} AND stanza = $3 ORDER BY created, native LIMIT 1`,
)
const deleteIds = sql('gateway-clear-ids', `DELETE FROM gateway_id WHERE ${ACCOUNT}`)

/** What a database keeps for gateways. */
export function gatewayStore(db: Database, clock: () => number): GatewayStore {
  return {
    queue: async ({ owner, provider }, { key, expires, message }) =>
      (await db.run(insertLetter, owner, provider, key, expires, message)) > 0,
    queued: async ({ owner, provider }) =>
      (await db.rows(selectLetters, owner, provider)).map(row => ({ ...row, expires: Number(row.expires) })),
    overdue: now => db.rows(selectOverdue, now),
    unqueue: async ({ owner, provider }, key) => (await db.run(deleteLetter, owner, provider, key)) > 0,
    addId: async ({ owner, provider }, { native, peer, stanza }) =>
      (await db.run(insertId, owner, provider, native, peer, stanza, clock())) > 0,
    idByNative: ({ owner, provider }, native) => db.row(selectByNative, owner, provider, native),
    idByStanza: ({ owner, provider }, stanza) => db.row(selectByStanza, owner, provider, stanza),
    async clear({ owner, provider }) {
      await db.run(deleteLetters, owner, provider)
      await db.run(deleteIds, owner, provider)
    },
  }
}
