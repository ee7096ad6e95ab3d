-- How many approvals wait, by the minute (since 1970) in which they were asked. No row has none.
CREATE TABLE waiting (
  project INTEGER NOT NULL,
  stage   INTEGER NOT NULL, -- word
  asked   INTEGER NOT NULL,
  n       INTEGER NOT NULL,
  PRIMARY KEY (project, stage, asked)
) STRICT, WITHOUT ROWID;
INSERT INTO waiting (project, stage, asked, n)
  SELECT project, stage, unixepoch(json_extract(body, '$.asked_at')) / 60 AS asked, count(*)
  FROM approval WHERE state = 0 GROUP BY project, stage, asked;

-- Contexts that are under way are counted by their state: 6 triggered, 7 waiting, 8 started, 9 paused.
INSERT INTO tally (project, what, n)
  SELECT project, CASE state WHEN 0 THEN 6 WHEN 1 THEN 7 WHEN 2 THEN 8 ELSE 9 END, count(*)
  FROM context WHERE state IN (0, 1, 2, 6) GROUP BY project, state;
