-- Tokens that were made while a server ran. The token itself is nowhere: `digest` is its SHA-256.
CREATE TABLE token (
  name    TEXT NOT NULL PRIMARY KEY,
  digest  BLOB NOT NULL UNIQUE,
  holder  TEXT NOT NULL, -- a principal; JSON
  tasks   TEXT,          -- the only ones that it answers; JSON
  created INTEGER NOT NULL,
  creator TEXT NOT NULL  -- a principal; JSON
) STRICT, WITHOUT ROWID;
