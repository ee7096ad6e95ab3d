-- Conventions. Times are microseconds since 1970. `body` is JSON as text, byte for byte as it was
-- written: the row as the core knows it; the columns beside it are those that are searched. Names are
-- ordered by their bytes, whatever the order of the database.

-- One row. Whoever writes locks it first, so there is one transaction that writes at a time.
CREATE TABLE writer (
  one     BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
  store   UUID NOT NULL,   -- which store this is: a home never goes on with another one
  commits BIGINT NOT NULL  -- the number of the newest transaction
);
INSERT INTO writer (store, commits) VALUES (gen_random_uuid(), 0);

-- The newest transaction that each home has committed, written by that transaction itself. It answers
-- whether a commit took place whose answer was lost.
CREATE TABLE home (
  id   UUID PRIMARY KEY,
  last BIGINT NOT NULL
);

CREATE TABLE project (
  name      TEXT COLLATE "C" PRIMARY KEY,
  created   BIGINT NOT NULL,
  commit_id TEXT,
  shipyard  TEXT
);

-- Events without a known project are kept under this one.
INSERT INTO project (name, created) VALUES ('_unmapped', 0);

CREATE TABLE service (
  project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
  name    TEXT COLLATE "C" NOT NULL,
  created BIGINT NOT NULL,
  PRIMARY KEY (project, name)
);

-- The log. The newest entry of a project is never removed: its number is the project's counter.
CREATE TABLE event (
  project      TEXT COLLATE "C" NOT NULL REFERENCES project (name),
  n            BIGINT NOT NULL,
  id           UUID NOT NULL,
  context      UUID NOT NULL,
  kind         TEXT COLLATE "C" NOT NULL,
  stage        TEXT COLLATE "C",
  service      TEXT COLLATE "C",
  source       TEXT COLLATE "C" NOT NULL,
  time         BIGINT NOT NULL,
  triggered_id UUID,
  disposition  SMALLINT NOT NULL, -- 0 accepted, 1 late, 2 repeated, 3 refused
  first        BOOLEAN NOT NULL,  -- true on the first listed entry of a context
  checksum     BIGINT NOT NULL,
  reason       TEXT,
  body         TEXT NOT NULL,
  PRIMARY KEY (project, n)
);
CREATE UNIQUE INDEX event_id ON event (id);
CREATE INDEX event_context ON event (context, project, n);
CREATE INDEX event_kind ON event (kind, project, n) WHERE disposition < 2;
CREATE INDEX event_first ON event (project, n) WHERE first;

-- What caused the entries.
CREATE TABLE input (
  n         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project   TEXT COLLATE "C" NOT NULL,
  name      TEXT NOT NULL,
  principal TEXT NOT NULL,
  now       BIGINT NOT NULL,
  seed      UUID NOT NULL,
  rules     BIGINT NOT NULL, -- which rules it was stepped by
  payload   TEXT NOT NULL
);

-- The tasks of executions: the same for all that run the same sequence of the same shipyard, and too
-- much to be written again with every step.
CREATE TABLE plan (
  id   UUID PRIMARY KEY, -- the first 16 bytes of SHA-256 of the body
  body TEXT NOT NULL
);

CREATE TABLE execution (
  project   TEXT COLLATE "C" NOT NULL REFERENCES project (name),
  position  BIGINT NOT NULL, -- of the event that triggered it
  id        UUID NOT NULL,
  context   UUID NOT NULL,
  stage     TEXT COLLATE "C" NOT NULL,
  service   TEXT COLLATE "C" NOT NULL,
  name      TEXT COLLATE "C" NOT NULL,
  final     BOOLEAN NOT NULL,
  resolving BOOLEAN NOT NULL,
  -- 0 triggered, 1 started, 2 waiting for approval, 3 paused, 4 finished, 5 timed out
  standing  SMALLINT NOT NULL,
  plan      UUID REFERENCES plan (id),
  body      TEXT NOT NULL,
  PRIMARY KEY (project, position)
);
CREATE UNIQUE INDEX execution_id ON execution (id);
CREATE INDEX execution_context ON execution (context, project, position);
CREATE INDEX execution_place ON execution (project, stage, service, name, position);
CREATE INDEX execution_resolving ON execution (project, position) WHERE resolving;

CREATE TABLE task (
  id        UUID PRIMARY KEY,
  project   TEXT COLLATE "C" NOT NULL REFERENCES project (name),
  execution UUID NOT NULL,
  draining  BOOLEAN NOT NULL,
  body      TEXT NOT NULL
);
CREATE INDEX task_execution ON task (execution);
CREATE INDEX task_draining ON task (execution) WHERE draining;

CREATE TABLE approval (
  seq     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order in which they were asked
  id      UUID NOT NULL UNIQUE,
  project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
  stage   TEXT COLLATE "C" NOT NULL,
  service TEXT COLLATE "C" NOT NULL,
  context UUID NOT NULL,
  state   SMALLINT NOT NULL, -- 0 open, 1 decided, 2 closed
  at      BIGINT NOT NULL,   -- when it was decided or closed; 0 while it is open
  body    TEXT NOT NULL
);
CREATE INDEX approval_context ON approval (context);
CREATE INDEX approval_state ON approval (state, at, seq);
CREATE INDEX approval_project ON approval (project, state, at, seq);

CREATE TABLE context (
  seq     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id      UUID NOT NULL,
  project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
  name    TEXT COLLATE "C" NOT NULL,
  state   SMALLINT NOT NULL,
  time    BIGINT NOT NULL,
  ended   BIGINT, -- when it got its last state; none while something of it is under way
  body    TEXT NOT NULL,
  UNIQUE (project, id)
);
CREATE INDEX context_ended ON context (ended) WHERE ended IS NOT NULL;
CREATE INDEX context_time ON context (project, time, seq);
CREATE INDEX context_state ON context (project, state, time, seq);

CREATE TABLE lane (
  id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project  TEXT COLLATE "C" NOT NULL REFERENCES project (name),
  stage    TEXT COLLATE "C" NOT NULL,
  service  TEXT COLLATE "C" NOT NULL,
  holder   UUID,
  deployed TEXT,
  UNIQUE (project, stage, service)
);

CREATE TABLE lane_queue (
  lane      BIGINT NOT NULL REFERENCES lane (id),
  queue     SMALLINT NOT NULL, -- 0 ready, 1 waiting
  position  BIGINT NOT NULL,
  execution UUID NOT NULL,
  PRIMARY KEY (lane, queue, position)
);

CREATE TABLE open_event (
  seq     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project TEXT COLLATE "C" NOT NULL,
  n       BIGINT NOT NULL,
  id      UUID NOT NULL UNIQUE,
  kind    TEXT COLLATE "C" NOT NULL,
  stage   TEXT COLLATE "C" NOT NULL,
  service TEXT COLLATE "C" NOT NULL,
  FOREIGN KEY (project, n) REFERENCES event (project, n)
);
CREATE INDEX open_event_kind ON open_event (kind, seq);

-- Ids come from a sequence, so none is used twice; they are given under the writer's lock, so they
-- grow in the order of commits.
CREATE TABLE delivery (
  id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project   TEXT COLLATE "C" NOT NULL,
  n         BIGINT NOT NULL,
  event     UUID NOT NULL,
  cancelled BOOLEAN NOT NULL,
  FOREIGN KEY (project, n) REFERENCES event (project, n)
);
CREATE INDEX delivery_event ON delivery (event);

CREATE TABLE timer (
  kind    SMALLINT NOT NULL, -- 0 delay of an execution, 1 a task that nobody has taken
  id      UUID NOT NULL,
  project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
  due     BIGINT NOT NULL,
  PRIMARY KEY (kind, id)
);
CREATE INDEX timer_due ON timer (kind, due, id);

-- Follow-ons that had no room in the commit that caused them.
CREATE TABLE deferred (
  id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  follow_on TEXT NOT NULL,
  principal TEXT NOT NULL
);

-- Inputs that could not be stepped.
CREATE TABLE quarantine (
  n         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at        BIGINT NOT NULL,
  project   TEXT COLLATE "C" NOT NULL,
  name      TEXT NOT NULL,
  principal TEXT NOT NULL,
  reference TEXT NOT NULL,
  cause     TEXT NOT NULL,
  payload   TEXT NOT NULL
);

-- The newest event of each type for a service in a stage.
CREATE TABLE latest_event (
  project TEXT COLLATE "C" NOT NULL REFERENCES project (name),
  stage   TEXT COLLATE "C" NOT NULL,
  service TEXT COLLATE "C" NOT NULL,
  kind    TEXT COLLATE "C" NOT NULL,
  event   UUID NOT NULL,
  context UUID NOT NULL,
  time    BIGINT NOT NULL,
  PRIMARY KEY (project, stage, service, kind)
);

-- A number is never used twice: whoever completes a saga late must not complete another one.
CREATE TABLE intent (
  id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project   TEXT COLLATE "C" NOT NULL UNIQUE,
  principal TEXT NOT NULL, -- who began it
  body      TEXT NOT NULL
);

-- The audit log: one chain for each project and one for the installation. Retention knows nothing of
-- these tables, and nothing is ever changed in them but `texts`, which can be erased.
CREATE TABLE audit_chain (
  name TEXT COLLATE "C" PRIMARY KEY -- of the project, or _installation
);

-- `hash` covers chain, n, prev and record: it is the link to the next entry and the checksum of the
-- row. The digests in `record` cover `texts`.
CREATE TABLE audit (
  chain  TEXT COLLATE "C" NOT NULL REFERENCES audit_chain (name),
  n      BIGINT NOT NULL,
  prev   BYTEA NOT NULL, -- hash of the entry before
  hash   BYTEA NOT NULL,
  record TEXT NOT NULL,  -- canonical JSON
  texts  TEXT,           -- what people wrote, with the salts of the digests; JSON
  PRIMARY KEY (chain, n)
);

-- What was signed, and the signature: the same line of JSON as in an exported file.
CREATE TABLE audit_checkpoint (
  chain TEXT COLLATE "C" NOT NULL REFERENCES audit_chain (name),
  n     BIGINT NOT NULL, -- of the entry that it covers
  body  TEXT NOT NULL,
  PRIMARY KEY (chain, n)
);

CREATE TABLE idempotency (
  key     BYTEA PRIMARY KEY,
  request BYTEA NOT NULL,
  answer  TEXT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX idempotency_expires ON idempotency (expires);

CREATE TABLE session (
  digest    BYTEA PRIMARY KEY,
  principal TEXT NOT NULL,
  expires   BIGINT NOT NULL
);
CREATE INDEX session_expires ON session (expires);

CREATE TABLE sign_in (
  digest  BYTEA PRIMARY KEY,
  name    TEXT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX sign_in_expires ON sign_in (expires);
