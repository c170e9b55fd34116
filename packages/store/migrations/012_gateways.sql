-- What waits to be sent to other networks, in the order in which it is to be sent.
CREATE TABLE gateway_queue (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  owner text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  -- Milliseconds since 1970: later it is not sent any more.
  expires bigint NOT NULL,
  message text NOT NULL,
  UNIQUE (owner, provider, key)
);
CREATE INDEX gateway_queue_expires ON gateway_queue (expires);

-- Which id of another network is which of ours.
CREATE TABLE gateway_id (
  owner text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  native text COLLATE "C" NOT NULL,
  peer text NOT NULL,
  stanza text COLLATE "C" NOT NULL,
  created bigint NOT NULL,
  PRIMARY KEY (owner, provider, native)
);
CREATE INDEX gateway_id_stanza ON gateway_id (owner, provider, stanza);
CREATE INDEX gateway_id_created ON gateway_id (created);
