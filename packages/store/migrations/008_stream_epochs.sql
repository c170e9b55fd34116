-- Who may store for a stream: an owner with a lower epoch was replaced while it was not looking (frozen, cut off), and what
-- it still has in hand comes again from its client by way of the new owner.
ALTER TABLE sm_inbound ADD COLUMN epoch bigint NOT NULL DEFAULT 0;
