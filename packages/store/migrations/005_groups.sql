-- Groups of accounts, per host; a membership belongs to its account.
CREATE TABLE account_group (
  host text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  display text NOT NULL,
  shared_roster boolean NOT NULL,
  PRIMARY KEY (host, name)
);

CREATE TABLE group_member (
  host text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  owner text COLLATE "C" NOT NULL,
  PRIMARY KEY (host, name, owner),
  FOREIGN KEY (host, name) REFERENCES account_group ON DELETE CASCADE
);
CREATE INDEX group_member_by_owner ON group_member (owner);
