-- What was said of the answers to a task, by the task. As narrow as can be told from the body alone: types are numbers
-- that differ from store to store. See log/said.rs.
CREATE INDEX event_said ON event (json_extract(body, '$.triggeredid'), kind, key)
  WHERE instr(body, '.invalidated"') > 0 OR instr(body, '.restored"') > 0;
