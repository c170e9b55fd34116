-- Maps of the modules: owner, name of the map, key -> JSON. XML is stored as a JSON string.
CREATE TABLE map_entry (
  owner text COLLATE "C" NOT NULL,
  map text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  host text COLLATE "C" NOT NULL,
  -- Version of the value's shape: older ones are upgraded when read.
  version integer NOT NULL,
  value jsonb NOT NULL,
  PRIMARY KEY (owner, map, key)
);
CREATE INDEX map_entry_by_key ON map_entry (map, key, host, owner);

-- Secrets that all nodes share. They belong to the server, not to an owner.
CREATE TABLE secret (
  name text COLLATE "C" PRIMARY KEY,
  value bytea NOT NULL
);
