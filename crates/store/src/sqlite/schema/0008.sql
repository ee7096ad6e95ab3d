-- Integrations that are registered.
CREATE TABLE integration (
  id   TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What a part of Tidegate has left to an integration, by name; parts as in `delivery`.
CREATE TABLE stood_down (
  event       INTEGER NOT NULL, -- key
  part        INTEGER NOT NULL,
  integration TEXT NOT NULL,
  PRIMARY KEY (event, part)
) STRICT, WITHOUT ROWID;
