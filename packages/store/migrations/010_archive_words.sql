-- The words of an archive, by spans of ids: a Bloom filter for each span of rows says which words are surely not in them. An
-- account that never searches has none: writing a message costs nothing for it.
CREATE TABLE archive_words (
  owner text COLLATE "C" NOT NULL,
  -- The span begins behind this id and ends with `upto`.
  after bigint NOT NULL,
  upto bigint NOT NULL,
  bits bytea NOT NULL,
  PRIMARY KEY (owner, after)
);
-- Bits of a hash cannot be made smaller.
ALTER TABLE archive_words ALTER COLUMN bits SET STORAGE EXTERNAL;
