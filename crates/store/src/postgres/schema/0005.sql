-- Integrations that are registered.
CREATE TABLE integration (
  id   TEXT COLLATE "C" PRIMARY KEY,
  body TEXT NOT NULL
);

-- What a part of Tidegate has left to an integration, by name; parts as in `delivery`. It goes with its event.
CREATE TABLE stood_down (
  project     TEXT COLLATE "C" NOT NULL,
  n           BIGINT NOT NULL,
  part        SMALLINT NOT NULL,
  integration TEXT NOT NULL,
  PRIMARY KEY (project, n, part),
  FOREIGN KEY (project, n) REFERENCES event (project, n) ON DELETE CASCADE
);
