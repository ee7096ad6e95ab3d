-- Conventions. Ids are 16-byte blobs. Times are microseconds since 1970. `body` is JSON: the row as
-- the core knows it; the columns beside it are those that are searched. A column of kind "word" is
-- a number in `word`. A "key" is project * 2^40 + n: rows in key order are in the order of a
-- project's log, and need no further index for it.

CREATE TABLE word (
  id   INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE project (
  id        INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE,
  created   INTEGER NOT NULL,
  commit_id TEXT,
  shipyard  TEXT
) STRICT;

-- Events without a known project are kept under this one.
INSERT INTO project (id, name, created) VALUES (0, '_unmapped', 0);

CREATE TABLE service (
  project INTEGER NOT NULL REFERENCES project (id),
  name    TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

-- Totals that would take too long to count. What is counted: see tally.rs.
CREATE TABLE tally (
  project INTEGER NOT NULL,
  what    INTEGER NOT NULL,
  n       INTEGER NOT NULL,
  PRIMARY KEY (project, what)
) STRICT, WITHOUT ROWID;

-- The log. The newest entry of a project is never removed: its number is the project's counter.
CREATE TABLE event (
  key         INTEGER PRIMARY KEY,
  id          BLOB NOT NULL,
  context     BLOB NOT NULL,
  kind        INTEGER NOT NULL, -- word
  stage       INTEGER,          -- word
  service     INTEGER,          -- word
  source      INTEGER NOT NULL, -- word
  time        INTEGER NOT NULL,
  disposition INTEGER NOT NULL, -- 0 accepted, 1 late, 2 repeated, 3 refused
  first       INTEGER NOT NULL, -- 1 on the first listed entry of a context
  checksum    INTEGER NOT NULL,
  reason      TEXT,
  body        TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX event_id ON event (id);
CREATE INDEX event_context ON event (context);
-- SQLite counts from an index alone only where it holds every column that is named, even one that
-- the index's own condition has settled.
CREATE INDEX event_kind ON event (kind, key, stage, service, disposition) WHERE disposition < 2;
CREATE INDEX event_first ON event (first) WHERE first = 1;

-- What caused the entries. The newest row is never removed: delivery ids are made of its number.
CREATE TABLE input (
  n         INTEGER PRIMARY KEY,
  project   INTEGER NOT NULL,
  name      INTEGER NOT NULL, -- word
  principal INTEGER NOT NULL, -- word
  now       INTEGER NOT NULL,
  seed      BLOB NOT NULL,
  payload   TEXT NOT NULL
) STRICT;

CREATE TABLE execution (
  key       INTEGER PRIMARY KEY, -- of the event that triggered it
  id        BLOB NOT NULL,
  context   BLOB NOT NULL,
  final     INTEGER NOT NULL,
  resolving INTEGER NOT NULL,
  body      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX execution_id ON execution (id);
CREATE INDEX execution_context ON execution (context, final);
CREATE INDEX execution_resolving ON execution (resolving) WHERE resolving = 1;

CREATE TABLE task (
  id        BLOB NOT NULL PRIMARY KEY,
  project   INTEGER NOT NULL,
  execution BLOB NOT NULL,
  draining  INTEGER NOT NULL,
  body      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX task_draining ON task (execution) WHERE draining = 1;

CREATE TABLE approval (
  seq     INTEGER PRIMARY KEY, -- the order in which they were asked
  id      BLOB NOT NULL,
  project INTEGER NOT NULL,
  stage   INTEGER NOT NULL, -- word
  service INTEGER NOT NULL, -- word
  context BLOB NOT NULL,
  state   INTEGER NOT NULL, -- 0 open, 1 decided, 2 closed
  at      INTEGER NOT NULL, -- when it was decided or closed; 0 while it is open
  body    TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX approval_id ON approval (id);
CREATE INDEX approval_context ON approval (context);
CREATE INDEX approval_state ON approval (state, at);
CREATE INDEX approval_project ON approval (project, state, at, seq, stage, service);

CREATE TABLE context (
  seq     INTEGER PRIMARY KEY,
  id      BLOB NOT NULL,
  project INTEGER NOT NULL,
  name    INTEGER NOT NULL, -- word
  state   INTEGER NOT NULL,
  time    INTEGER NOT NULL,
  body    TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX context_id ON context (id, project);
CREATE INDEX context_time ON context (project, time, seq, name);
CREATE INDEX context_state ON context (project, state, time, seq, name);

CREATE TABLE lane (
  id      INTEGER PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES project (id),
  stage   INTEGER NOT NULL, -- word
  service INTEGER NOT NULL, -- word
  holder  BLOB,
  UNIQUE (project, stage, service)
) STRICT;

CREATE TABLE lane_queue (
  lane      INTEGER NOT NULL REFERENCES lane (id),
  queue     INTEGER NOT NULL, -- 0 ready, 1 waiting
  position  INTEGER NOT NULL,
  execution BLOB NOT NULL,
  PRIMARY KEY (lane, queue, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE deployed (
  lane INTEGER PRIMARY KEY REFERENCES lane (id),
  body TEXT NOT NULL
) STRICT;

CREATE TABLE open_event (
  seq     INTEGER PRIMARY KEY,
  event   INTEGER NOT NULL, -- key
  id      BLOB NOT NULL,
  project INTEGER NOT NULL,
  kind    INTEGER NOT NULL, -- word
  stage   INTEGER NOT NULL, -- word
  service INTEGER NOT NULL  -- word
) STRICT;
CREATE UNIQUE INDEX open_event_id ON open_event (id);
CREATE INDEX open_event_kind ON open_event (kind, seq, project, stage, service);

CREATE TABLE delivery (
  id        INTEGER PRIMARY KEY,
  event     INTEGER NOT NULL, -- key
  cancelled INTEGER NOT NULL
) STRICT;

CREATE TABLE delay (
  execution BLOB NOT NULL PRIMARY KEY,
  project   INTEGER NOT NULL,
  due       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX delay_due ON delay (due);

-- A number is never used twice: whoever completes a saga late must not complete another one.
CREATE TABLE intent (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  project TEXT NOT NULL UNIQUE,
  body    TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
  key     BLOB NOT NULL PRIMARY KEY,
  request BLOB NOT NULL,
  answer  TEXT NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expires ON idempotency (expires);

CREATE TABLE session (
  digest    BLOB NOT NULL PRIMARY KEY,
  principal TEXT NOT NULL,
  expires   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_expires ON session (expires);

CREATE TABLE sign_in (
  digest  BLOB NOT NULL PRIMARY KEY,
  name    TEXT NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_expires ON sign_in (expires);
