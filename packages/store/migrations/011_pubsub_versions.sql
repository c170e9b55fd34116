-- Who publishes to a node that it has seen need not look at it again: the version says whether it is as it was.
CREATE SEQUENCE pubsub_version;
ALTER TABLE pubsub_node ADD COLUMN version bigint NOT NULL DEFAULT nextval('pubsub_version');

CREATE FUNCTION pubsub_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE pubsub_node SET version = nextval('pubsub_version')
  WHERE owner = coalesce(NEW.owner, OLD.owner) AND node = coalesce(NEW.node, OLD.node);
  RETURN NULL;
END $$;
CREATE TRIGGER touch AFTER INSERT OR UPDATE OR DELETE ON pubsub_affiliation FOR EACH ROW EXECUTE FUNCTION pubsub_touch();
CREATE TRIGGER touch AFTER INSERT OR UPDATE OR DELETE ON pubsub_subscription FOR EACH ROW EXECUTE FUNCTION pubsub_touch();

-- Publishes an item in one step, alone with the node; gives the ids of those that gave way, or NULL: it is another node by now.
CREATE FUNCTION pubsub_publish(
  of text, name text, seen bigint, item text, by text, content text, at bigint, most integer, since bigint
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  gone text[];
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(of || chr(10) || name, 9));
  PERFORM FROM pubsub_node WHERE owner = of AND node = name AND version = seen;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  INSERT INTO pubsub_item AS i (owner, node, id, publisher, payload, published)
  VALUES (of, name, item, by, content, at)
  ON CONFLICT (owner, node, id) DO UPDATE
  SET publisher = excluded.publisher, payload = excluded.payload, published = excluded.published, seq = excluded.seq;
  WITH surplus AS (
    DELETE FROM pubsub_item WHERE owner = of AND node = name AND (
      published <= since
      OR seq IN (SELECT seq FROM pubsub_item WHERE owner = of AND node = name ORDER BY seq DESC OFFSET most)
    ) RETURNING id
  ) SELECT array_agg(id) INTO gone FROM surplus;
  RETURN coalesce(gone, '{}');
END $$;
