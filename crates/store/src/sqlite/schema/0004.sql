-- The service of a context's first trigger, to search by.
ALTER TABLE context ADD COLUMN service INTEGER NOT NULL DEFAULT 0; -- word
INSERT OR IGNORE INTO word (text) SELECT DISTINCT json_extract(body, '$.service') FROM context;
UPDATE context SET
  service = (SELECT id FROM word WHERE text = json_extract(context.body, '$.service'));
CREATE INDEX context_service ON context (project, service, time, seq);
