-- Rows of one conversation, in order. Two addresses in each entry made this the dearest index to write; their hash is eight bytes.
-- Queries compare the hash as well as the addresses.
DROP INDEX message_log_by_peer;
CREATE INDEX message_log_by_peer ON message_log (hashtextextended(peer, hashtextextended(owner, 0)), id);
