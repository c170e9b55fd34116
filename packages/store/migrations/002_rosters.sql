-- Rosters: one row per contact, one version per account (RFC 6121 section 2.6).

CREATE TABLE roster_version (
  owner text COLLATE "C" PRIMARY KEY,
  -- Begins at the time of the first change, so that a name that is used again never repeats a version a client has cached.
  version bigint NOT NULL,
  -- Changes up to here are no longer complete: their tombstones have been swept.
  floor bigint NOT NULL
);

CREATE TABLE roster (
  owner text COLLATE "C" NOT NULL,
  contact text COLLATE "C" NOT NULL,
  -- False: the row only remembers a request that awaits an answer, clients do not see it (RFC 6121 section 3.1.3).
  listed boolean NOT NULL,
  name text,
  groups text[] NOT NULL DEFAULT '{}',
  subscription text NOT NULL CHECK (subscription IN ('none', 'to', 'from', 'both')),
  ask boolean NOT NULL,
  pending_in text,
  approved boolean NOT NULL,
  -- The version that this change made; a removed contact stays as a tombstone for those who ask what changed.
  version bigint NOT NULL,
  removed_at bigint,
  PRIMARY KEY (owner, contact)
);
CREATE INDEX roster_changes ON roster (owner, version);
CREATE INDEX roster_tombstones ON roster (removed_at) WHERE removed_at IS NOT NULL;
