-- FAST tokens (XEP-0484): the server must compute with them, so they are stored as they are.
CREATE TABLE fast_token (
  owner text COLLATE "C" NOT NULL REFERENCES account ON DELETE CASCADE,
  client text COLLATE "C" NOT NULL,
  -- `next` was issued by rotation; it becomes `current` at its first use.
  slot text COLLATE "C" NOT NULL CHECK (slot IN ('current', 'next')),
  mechanism text COLLATE "C" NOT NULL,
  secret bytea NOT NULL,
  -- Good only while the account has this generation.
  generation integer NOT NULL,
  created bigint NOT NULL,
  expires bigint NOT NULL,
  counter bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (owner, client, slot)
);
CREATE INDEX fast_token_by_expiry ON fast_token (expires);

-- Invitations and password resets. Of the token only SHA-256 is kept: reading this table must not open an account.
CREATE TABLE invite (
  id text COLLATE "C" PRIMARY KEY,
  owner text COLLATE "C" NOT NULL,
  host text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('account', 'contact', 'reset')),
  subject text COLLATE "C",
  created bigint NOT NULL,
  expires bigint NOT NULL,
  uses_left integer NOT NULL,
  data jsonb
);
CREATE INDEX invite_by_host ON invite (host, expires);
CREATE INDEX invite_by_owner ON invite (owner);
CREATE INDEX invite_by_expiry ON invite (expires);
CREATE INDEX invite_by_subject ON invite (subject);
