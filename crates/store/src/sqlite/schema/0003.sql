-- The audit log: one chain for each project and one for the installation. Retention knows nothing of
-- these tables, and nothing is ever changed in them but `texts`, which can be erased.
CREATE TABLE audit_chain (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE -- of the project, or _installation
) STRICT;

-- A "key" is chain * 2^40 + n here. `hash` covers chain, n, prev and record: it is the link to the
-- next entry and the checksum of the row. The digests in `record` cover `texts`.
CREATE TABLE audit (
  key    INTEGER PRIMARY KEY,
  prev   BLOB NOT NULL, -- hash of the entry before
  hash   BLOB NOT NULL,
  record TEXT NOT NULL, -- canonical JSON
  texts  TEXT           -- what people wrote, with the salts of the digests; JSON
) STRICT;

-- What was signed, and the signature: the same line of JSON as in an exported file.
CREATE TABLE audit_checkpoint (
  key  INTEGER PRIMARY KEY, -- of the entry that it covers
  body TEXT NOT NULL
) STRICT;

-- Who began a saga; none in those that an earlier version began.
ALTER TABLE intent ADD COLUMN principal TEXT;
