-- What was said of the answers to a task, by the task.
CREATE INDEX event_said ON event (triggered_id, project, kind, n)
  WHERE right(kind, 12) = '.invalidated' OR right(kind, 9) = '.restored';
