-- The service of a context's first trigger, to search by.
ALTER TABLE context ADD COLUMN service TEXT COLLATE "C";
UPDATE context SET service = body::json ->> 'service';
CREATE INDEX context_service ON context (project, service, time, seq);
