-- Tokens that were made while a server ran. The token itself is nowhere: `digest` is its SHA-256.
CREATE TABLE token (
  name    TEXT COLLATE "C" PRIMARY KEY,
  digest  BYTEA NOT NULL UNIQUE,
  holder  TEXT NOT NULL, -- a principal; JSON
  tasks   TEXT,          -- the only ones that it answers; JSON
  created BIGINT NOT NULL,
  creator TEXT NOT NULL  -- a principal; JSON
);
