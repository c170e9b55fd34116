-- Accounts. `owner` is the canonical bare JID in every table: what belongs to an account, a room or a host is found by it.
-- JIDs compare byte by byte (COLLATE "C"): they are canonical when they come here. Times are milliseconds since 1970.

CREATE TABLE account (
  owner text COLLATE "C" PRIMARY KEY,
  host text COLLATE "C" NOT NULL,
  disabled boolean NOT NULL DEFAULT false,
  created bigint NOT NULL,
  last_login bigint,
  -- XEP-0012: when last seen, and the status text of the last unavailable presence.
  last_seen bigint,
  last_status text,
  -- Counts changes of password: what was issued under another number is void.
  generation integer NOT NULL DEFAULT 1
);
CREATE INDEX account_by_host ON account (host, owner);

-- What RFC 5802 lets a server keep of a password.
CREATE TABLE scram_key (
  owner text COLLATE "C" NOT NULL REFERENCES account ON DELETE CASCADE,
  mechanism text COLLATE "C" NOT NULL,
  salt bytea NOT NULL,
  iterations integer NOT NULL,
  stored_key bytea NOT NULL,
  server_key bytea NOT NULL,
  PRIMARY KEY (owner, mechanism)
);

-- Names of deleted accounts stay reserved for a while, so that nobody inherits the mail and the trust of another.
-- This is the one table that outlives its owner.
CREATE TABLE departed (
  owner text COLLATE "C" PRIMARY KEY,
  reserved_until bigint NOT NULL
);
