-- The message log: the one truth of messages, one row per archive owner. Archive, offline delivery and history are views.
--
-- Ids sort by time (41 bits of milliseconds since 2020, then node and sequence), so a partition is a span of time and a
-- bound in time is a bound of ids. Monthly partitions are made ahead by Store.maintain(); a row whose month has none
-- yet (a clock far ahead, an import of old rows) goes to the default partition and is found as any other.

CREATE TABLE message_log (
  owner text COLLATE "C" NOT NULL,
  id bigint NOT NULL,
  peer text COLLATE "C" NOT NULL,
  resource text COLLATE "C",
  type text COLLATE "C" NOT NULL,
  origin_id text COLLATE "C",
  kept boolean NOT NULL,
  stanza text NOT NULL,
  PRIMARY KEY (owner, id)
) PARTITION BY RANGE (id);
CREATE INDEX message_log_by_peer ON message_log (owner, peer, id);
-- For retention over all owners, and for the largest id at start.
CREATE INDEX message_log_by_id ON message_log (id);
CREATE TABLE message_log_default PARTITION OF message_log DEFAULT;

-- Marks "no session has taken it yet". They live apart from the log because they are short-lived: clearing a mark in the
-- log itself would write the whole row and its three index entries once more, for each message ever delivered. `kept` is repeated here so that
-- the log is touched only for rows that go with their mark.
CREATE TABLE owed (
  owner text COLLATE "C" NOT NULL,
  id bigint NOT NULL,
  kept boolean NOT NULL,
  PRIMARY KEY (owner, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

-- XEP-0198: how many stanzas of a stream are stored for certain. Written in the transaction of the rows themselves.
CREATE TABLE sm_inbound (
  sm_id text COLLATE "C" PRIMARY KEY,
  owner text COLLATE "C" NOT NULL,
  h bigint NOT NULL,
  updated bigint NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX sm_inbound_by_owner ON sm_inbound (owner);

-- Rows whose further work (delivery to other nodes' sessions) is not confirmed. Unique (sm_id, k, owner) makes the repeat of a stanza, sent
-- again after a resumption, store nothing: the first ids answer. Small and short-lived, hence not partitioned.
CREATE TABLE outbox (
  sm_id text COLLATE "C" NOT NULL,
  k bigint NOT NULL,
  owner text COLLATE "C" NOT NULL,
  id bigint NOT NULL,
  -- Several rows of one owner may come from one stanza.
  part integer NOT NULL,
  PRIMARY KEY (sm_id, k, owner, part)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE INDEX outbox_by_owner ON outbox (owner);
