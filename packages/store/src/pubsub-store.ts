import { textArray } from './arrays.ts'
import type { Database } from './database.ts'
import { StoreError } from './errors.ts'
import type { Owner } from './owner.ts'
import type {
  Affiliation,
  PubsubChange,
  PubsubItem,
  PubsubNode,
  PubsubOptions,
  PubsubPage,
  PubsubRequest,
  PubsubSeen,
  PubsubStore,
  PubsubSubscription,
} from './pubsub.ts'
import { type SeenNode, SeenNodes } from './seen-nodes.ts'
import { type Queryable, sql } from './sql.ts'

interface NodeRow {
  readonly owner: string
  readonly node: string
  readonly config: PubsubOptions
  readonly created: bigint
  readonly version: bigint
  readonly affiliations: Readonly<Record<string, Affiliation>>
  readonly subscriptions: readonly PubsubSubscription[]
}
interface ItemRow {
  readonly id: string
  readonly publisher: string
  readonly payload: string
  readonly published: bigint
}

/** Columns of a node; those who have to do with it are all, or one bare JID. */
const columns = (of: 'all' | string) => `n.owner, n.node, n.config, n.created, n.version,
  (SELECT coalesce(jsonb_object_agg(jid, affiliation), '{}') FROM pubsub_affiliation a
   WHERE a.owner = n.owner AND a.node = n.node${of === 'all' ? '' : ` AND a.jid = ${of}`}) AS affiliations,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('jid', jid, 'subid', subid, 'state', state, 'options', options)), '[]')
   FROM pubsub_subscription s
   WHERE s.owner = n.owner AND s.node = n.node${of === 'all' ? '' : ` AND s.bare = ${of}`}) AS subscriptions`
const OF_NODE = 'owner = $1 AND node = $2'
const ITEM = 'id, publisher, payload, published'

const lock = sql('pubsub-lock', 'SELECT pg_advisory_xact_lock(hashtextextended($1 || chr(10) || $2, 9))')
const selectSeen = sql<NodeRow & { publishers: Readonly<Record<string, string>> }>(
  'pubsub-seen',
  `SELECT ${columns('all')},
     (SELECT coalesce(jsonb_object_agg(id, publisher), '{}') FROM pubsub_item
      WHERE ${OF_NODE} AND id = ANY ($3::text[])) AS publishers
   FROM pubsub_node n WHERE ${OF_NODE}`,
)
const selectNode = sql<NodeRow>('pubsub-node', `SELECT ${columns('$3')} FROM pubsub_node n WHERE ${OF_NODE}`)
const selectNodes = sql<NodeRow>(
  'pubsub-nodes',
  `SELECT ${columns('$2')} FROM pubsub_node n WHERE owner = $1 ORDER BY node LIMIT $3`,
)
const insertNode = sql(
  'pubsub-create',
  `INSERT INTO pubsub_node (owner, node, config, created) SELECT $1, $2, $3::jsonb, $4
   WHERE (SELECT count(*) FROM pubsub_node WHERE owner = $1) < $5
     AND (SELECT count(*) FROM pubsub_affiliation WHERE owner = $1 AND jid = $6 AND affiliation = 'owner') < $7`,
)
const updateConfig = sql(
  'pubsub-configure',
  `UPDATE pubsub_node SET config = $3::jsonb, version = nextval('pubsub_version') WHERE ${OF_NODE}`,
)
const deleteNode = sql('pubsub-delete', `DELETE FROM pubsub_node WHERE ${OF_NODE}`)
const upsertItem = sql(
  'pubsub-publish',
  `INSERT INTO pubsub_item (owner, node, id, publisher, payload, published) VALUES ($1, $2, $3, $4, $5, $6)
   ON CONFLICT (owner, node, id) DO UPDATE SET publisher = excluded.publisher, payload = excluded.payload,
     published = excluded.published, seq = excluded.seq`,
)
const trim = sql<{ id: string }>(
  'pubsub-trim',
  `DELETE FROM pubsub_item WHERE ${OF_NODE} AND (published <= $4 OR seq IN (
     SELECT seq FROM pubsub_item WHERE ${OF_NODE} ORDER BY seq DESC OFFSET $3)) RETURNING id`,
)
const publishSeen = sql<{ gone: string[] | null }>(
  'pubsub-publish-seen',
  'SELECT pubsub_publish($1, $2, $3, $4, $5, $6, $7, $8, $9) AS gone',
)
const deleteItems = sql('pubsub-retract', `DELETE FROM pubsub_item WHERE ${OF_NODE} AND id = ANY ($3::text[])`)
const deleteAllItems = sql('pubsub-purge', `DELETE FROM pubsub_item WHERE ${OF_NODE}`)
const upsertAffiliation = sql(
  'pubsub-affiliate',
  `INSERT INTO pubsub_affiliation (owner, node, jid, affiliation) VALUES ($1, $2, $3, $4)
   ON CONFLICT (owner, node, jid) DO UPDATE SET affiliation = excluded.affiliation`,
)
const deleteAffiliation = sql('pubsub-disaffiliate', `DELETE FROM pubsub_affiliation WHERE ${OF_NODE} AND jid = $3`)
const upsertSubscription = sql(
  'pubsub-subscribe',
  `INSERT INTO pubsub_subscription (owner, node, jid, bare, subid, state, options)
   VALUES ($1, $2, $3, split_part($3, '/', 1), $4, $5, $6::jsonb)
   ON CONFLICT (owner, node, jid) DO UPDATE SET state = excluded.state, options = excluded.options`,
)
const deleteSubscriptions = sql(
  'pubsub-unsubscribe',
  `DELETE FROM pubsub_subscription WHERE ${OF_NODE} AND jid = ANY ($3::text[])`,
)
const selectRelated = sql<NodeRow>(
  'pubsub-related',
  `SELECT ${columns('$2')} FROM pubsub_node n WHERE owner = $1 AND node IN (
     SELECT node FROM pubsub_affiliation WHERE owner = $1 AND jid = $2
     UNION SELECT node FROM pubsub_subscription WHERE owner = $1 AND bare = $2
   ) ORDER BY node LIMIT $3`,
)
const selectPending = sql<PubsubRequest>(
  'pubsub-pending',
  `SELECT node, jid, subid FROM pubsub_subscription
   WHERE owner = $1 AND node = ANY ($2::text[]) AND state = 'pending' ORDER BY node, jid LIMIT $3`,
)
const selectIds = sql<ItemRow>(
  'pubsub-items-by-id',
  `SELECT ${ITEM} FROM pubsub_item WHERE ${OF_NODE} AND published > $4 AND id = ANY ($3::text[]) ORDER BY seq DESC`,
)
const selectPlace = sql<{ seq: bigint }>('pubsub-place', `SELECT seq FROM pubsub_item WHERE ${OF_NODE} AND id = $3`)
const selectCount = sql<{ count: bigint; newer: bigint }>(
  'pubsub-count',
  `SELECT count(*) AS count, count(*) FILTER (WHERE seq > $4) AS newer FROM pubsub_item WHERE ${OF_NODE} AND published > $3`,
)
const page = (name: string, order: 'ASC' | 'DESC') =>
  sql<ItemRow & { seq: bigint }>(
    name,
    `SELECT * FROM (
       SELECT ${ITEM}, seq, sum(length(payload)) OVER (ORDER BY seq ${order}) - length(payload) AS before FROM (
         SELECT ${ITEM}, seq FROM pubsub_item
         WHERE ${OF_NODE} AND published > $3 AND seq ${order === 'DESC' ? '<' : '>'} $4
         ORDER BY seq ${order} LIMIT $5 OFFSET $7
       ) AS wanted
     ) AS summed WHERE before = 0 OR before + length(payload) <= $6 ORDER BY seq ${order}`,
  )
const selectOlder = page('pubsub-items', 'DESC')
const selectNewer = page('pubsub-items-before', 'ASC')
const selectLatest = sql<NodeRow & ItemRow>(
  'pubsub-latest',
  `SELECT * FROM (
     SELECT ${columns('$3')}, i.*, sum(length(payload)) OVER (ORDER BY n.owner, n.node) AS so_far FROM pubsub_node n
     CROSS JOIN LATERAL (
       SELECT ${ITEM} FROM pubsub_item i WHERE i.owner = n.owner AND i.node = n.node ORDER BY seq DESC LIMIT 1
     ) i WHERE n.owner = ANY ($1::text[]) AND n.node = ANY ($2::text[])
   ) AS found WHERE so_far <= $4`,
)

const LAST = 9_223_372_036_854_775_807n

/** The nodes of a database; `clock` in milliseconds since 1970. */
export function pubsubStore(db: Database, clock: () => number): PubsubStore {
  async function items(owner: Owner, node: string, { limit, chars, since = 0, after, before, offset = 0 }: PubsubPage) {
    const from = after ?? (before || undefined)
    const place = from === undefined ? undefined : await db.row(selectPlace, owner, node, from)
    if (from !== undefined && !place) return undefined
    // Pages that end before an item are read backwards; the last page of all ends behind everything.
    const rows =
      before === undefined
        ? await db.rows(selectOlder, owner, node, since, place?.seq ?? LAST, limit, chars, offset)
        : (await db.rows(selectNewer, owner, node, since, place?.seq ?? 0, limit, chars, 0)).reverse()
    const counted = await db.row(selectCount, owner, node, since, rows[0]?.seq ?? LAST)
    return { items: rows.map(item), count: Number(counted?.count ?? 0), index: Number(counted?.newer ?? 0) }
  }

  /** Nodes to which something was published lately. */
  const seen = new SeenNodes()

  function change(owner: Owner, node: string, ids: readonly string[], decide: (seen: PubsubSeen) => PubsubChange) {
    return db.transaction(async tx => {
      // In this order, and on their way together.
      const [, row] = await Promise.all([tx.rows(lock, owner, node), tx.row(selectSeen, owner, node, textArray(ids))])
      const found = row && nodeOf(row)
      seen.keep(owner, node, found && { node: found, version: row.version })
      const publishers = new Map(Object.entries(row?.publishers ?? {}))
      return apply(tx, owner, node, decide({ node: found, publishers }), clock())
    })
  }

  async function publish(owner: Owner, node: string, decide: (seen: PubsubSeen) => PubsubChange) {
    const known = seen.get(owner, node)
    const gone = known && (await publishAs(db, known, decide))
    return gone ?? change(owner, node, [], decide)
  }

  return {
    change,
    publish,
    async node(owner, node, bare) {
      const row = await db.row(selectNode, owner, node, bare)
      return row && nodeOf(row)
    },
    nodes: async (owner, bare, limit) => (await db.rows(selectNodes, owner, bare, limit)).map(nodeOf),
    related: async (owner, bare, limit) => (await db.rows(selectRelated, owner, bare, limit)).map(nodeOf),
    pending: (owner, nodes, limit) => db.rows(selectPending, owner, textArray(nodes), limit),
    items,
    itemsById: async (owner, node, ids, since = 0) =>
      (await db.rows(selectIds, owner, node, textArray(ids), since)).map(item),
    latest: async (owners, nodes, bare, chars) =>
      (await db.rows(selectLatest, textArray(owners), textArray(nodes), bare, chars)).map(row => ({
        node: nodeOf(row),
        item: item(row),
      })),
  }
}

/** Publishes to a node that is as it was seen; undefined: perhaps it is not, or more is to be done. */
async function publishAs(db: Queryable, { node, version }: SeenNode, decide: (seen: PubsubSeen) => PubsubChange) {
  const decided = tryTo(() => decide({ node, publishers: new Map() }))
  if (!decided) return undefined
  const { publish, keep, ...more } = decided
  if (!publish || !keep || Object.keys(more).length > 0) return undefined
  const { id, publisher, payload, published } = publish
  const item = [id, publisher, payload, published]
  const row = await db.row(publishSeen, node.owner, node.node, version, ...item, keep.max, keep.since)
  return row?.gone ?? undefined
}

/** What is refused now is not, perhaps, by what has changed meanwhile. */
function tryTo<T>(decide: () => T): T | undefined {
  try {
    return decide()
  } catch {
    return undefined
  }
}

async function apply(
  tx: Queryable,
  owner: Owner,
  node: string,
  change: PubsubChange,
  now: number,
): Promise<readonly string[]> {
  if (change.create) {
    // Nodes are counted alone, too: two that are made at once must not both be the last.
    await tx.rows(lock, owner, '')
    const { config, max, by = { jid: '', max: 1 } } = change.create
    if ((await tx.run(insertNode, owner, node, JSON.stringify(config), now, max, by.jid, by.max)) === 0)
      throw new StoreError('full', `${owner} or ${by.jid} has as many nodes as it may`)
    if (by.jid !== '') await tx.run(upsertAffiliation, owner, node, by.jid, 'owner')
  }
  if (change.delete) await tx.run(deleteNode, owner, node)
  if (change.config) await tx.run(updateConfig, owner, node, JSON.stringify(change.config))
  if (change.purge) await tx.run(deleteAllItems, owner, node)
  if (change.retract) await tx.run(deleteItems, owner, node, textArray(change.retract))
  for (const [jid, affiliation] of change.affiliations ?? []) {
    if (affiliation === 'none') await tx.run(deleteAffiliation, owner, node, jid)
    else await tx.run(upsertAffiliation, owner, node, jid, affiliation)
  }
  if (change.unsubscribe) await tx.run(deleteSubscriptions, owner, node, textArray(change.unsubscribe))
  for (const { jid, subid, state, options } of change.subscribe ?? [])
    await tx.run(upsertSubscription, owner, node, jid, subid, state, JSON.stringify(options))
  if (change.publish) {
    const { id, publisher, payload, published } = change.publish
    await tx.run(upsertItem, owner, node, id, publisher, payload, published)
  }
  if (!change.keep) return []
  return (await tx.rows(trim, owner, node, change.keep.max, change.keep.since)).map(({ id }) => id)
}

function nodeOf({ owner, node, config, created, affiliations, subscriptions }: NodeRow): PubsubNode {
  return {
    owner,
    node,
    config,
    created: Number(created),
    affiliations: new Map(Object.entries(affiliations)),
    subscriptions,
  }
}

function item({ id, publisher, payload, published }: ItemRow): PubsubItem {
  return { id, publisher, payload, published: Number(published) }
}
