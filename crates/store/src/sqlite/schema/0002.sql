-- Timers of every kind take the place of delays.
CREATE TABLE timer (
  kind    INTEGER NOT NULL, -- 0 delay of an execution, 1 a task that nobody has taken
  id      BLOB NOT NULL,
  project INTEGER NOT NULL,
  due     INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX timer_due ON timer (kind, due);
INSERT INTO timer (kind, id, project, due) SELECT 0, execution, project, due FROM delay;
DROP TABLE delay;
-- Tasks that wait already get their ten minutes from now on.
INSERT INTO timer (kind, id, project, due)
  SELECT 1, id, project, (unixepoch() + 600) * 1000000 FROM task
  WHERE json_extract(body, '$.state') = 'open' AND json_array_length(body, '$.keys') = 0;

-- Follow-ons that had no room in the commit that caused them.
CREATE TABLE deferred (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  follow_on TEXT NOT NULL,
  principal TEXT NOT NULL
) STRICT;

-- Lanes that nobody holds although somebody waits are looked at again.
INSERT INTO deferred (follow_on, principal)
  SELECT json_object('input', 'admit', 'lane',
           json_object('project', project.name, 'stage', stage.text, 'service', service.text)),
         json_object('kind', 'builtin', 'name', 'tidegate')
  FROM lane
  JOIN project ON project.id = lane.project
  JOIN word AS stage ON stage.id = lane.stage
  JOIN word AS service ON service.id = lane.service
  WHERE lane.holder IS NULL AND EXISTS (SELECT 1 FROM lane_queue WHERE lane_queue.lane = lane.id);

-- Inputs that could not be stepped.
CREATE TABLE quarantine (
  n         INTEGER PRIMARY KEY,
  at        INTEGER NOT NULL,
  project   TEXT NOT NULL,
  name      TEXT NOT NULL,
  principal TEXT NOT NULL,
  reference TEXT NOT NULL,
  cause     TEXT NOT NULL,
  payload   TEXT NOT NULL
) STRICT;

-- The newest event of each type for a service in a stage.
CREATE TABLE latest_event (
  project INTEGER NOT NULL,
  stage   INTEGER NOT NULL, -- word
  service INTEGER NOT NULL, -- word
  kind    INTEGER NOT NULL, -- word
  event   BLOB NOT NULL,
  context BLOB NOT NULL,
  time    INTEGER NOT NULL,
  PRIMARY KEY (project, stage, service, kind)
) STRICT, WITHOUT ROWID;

-- The tasks of executions: the same for all that run the same sequence of the same shipyard, and too
-- much to be written again with every step.
CREATE TABLE plan (
  id   BLOB NOT NULL PRIMARY KEY, -- the first 16 bytes of SHA-256 of the body
  body TEXT NOT NULL
) STRICT;
ALTER TABLE execution ADD COLUMN plan BLOB;
INSERT INTO plan (id, body)
  SELECT id, json_extract(body, '$.tasks') FROM execution
  WHERE json_array_length(body, '$.tasks') > 0;
UPDATE execution SET plan = id WHERE json_array_length(body, '$.tasks') > 0;
UPDATE execution SET body = json_remove(body, '$.tasks');

-- What executions are listed by.
ALTER TABLE execution ADD COLUMN stage INTEGER NOT NULL DEFAULT 0; -- word
ALTER TABLE execution ADD COLUMN service INTEGER NOT NULL DEFAULT 0; -- word
ALTER TABLE execution ADD COLUMN name INTEGER NOT NULL DEFAULT 0; -- word
-- 0 triggered, 1 started, 2 waiting for approval, 3 paused, 4 finished, 5 timed out
ALTER TABLE execution ADD COLUMN standing INTEGER NOT NULL DEFAULT 4;
INSERT OR IGNORE INTO word (text) SELECT DISTINCT json_extract(body, '$.scope.stage') FROM execution;
INSERT OR IGNORE INTO word (text) SELECT DISTINCT json_extract(body, '$.scope.service') FROM execution;
INSERT OR IGNORE INTO word (text) SELECT DISTINCT json_extract(body, '$.sequence') FROM execution;
UPDATE execution SET
  stage = (SELECT id FROM word WHERE text = json_extract(execution.body, '$.scope.stage')),
  service = (SELECT id FROM word WHERE text = json_extract(execution.body, '$.scope.service')),
  name = (SELECT id FROM word WHERE text = json_extract(execution.body, '$.sequence')),
  standing = CASE json_extract(body, '$.state.state')
    WHEN 'resolving' THEN 0 WHEN 'waiting' THEN 0
    WHEN 'running' THEN 1 WHEN 'delayed' THEN 1 WHEN 'ready' THEN 1
    WHEN 'waitingForApproval' THEN 2
    ELSE 4 END;
CREATE INDEX execution_place ON execution (stage, service, name, key);

-- When a context got its last state; none while something of it is under way.
ALTER TABLE context ADD COLUMN ended INTEGER;
UPDATE context SET ended = time WHERE state IN (3, 4, 5);
CREATE INDEX context_ended ON context (ended) WHERE ended IS NOT NULL;

-- Which rules an input was stepped by.
ALTER TABLE input ADD COLUMN rules INTEGER NOT NULL DEFAULT 1;

-- The tasks of an execution, in the order they were triggered.
ALTER TABLE task RENAME TO old_task;
DROP INDEX task_draining;
CREATE TABLE task (
  n         INTEGER PRIMARY KEY,
  id        BLOB NOT NULL,
  project   INTEGER NOT NULL,
  execution BLOB NOT NULL,
  draining  INTEGER NOT NULL,
  body      TEXT NOT NULL
) STRICT;
INSERT INTO task (id, project, execution, draining, body)
  SELECT old_task.id, old_task.project, execution, draining, old_task.body FROM old_task
  LEFT JOIN event ON event.id = old_task.id ORDER BY event.key;
DROP TABLE old_task;
CREATE UNIQUE INDEX task_id ON task (id);
CREATE INDEX task_execution ON task (execution, n);
CREATE INDEX task_draining ON task (execution) WHERE draining = 1;
