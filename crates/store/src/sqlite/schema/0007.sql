-- Which part of Tidegate works on it; 0 jobs, 1 gate, 2 SLIs, 3 remediation.
ALTER TABLE delivery ADD COLUMN recipient INTEGER NOT NULL DEFAULT 0;
-- Who brings the values of a project's evaluations.
ALTER TABLE project ADD COLUMN sli_provider TEXT;
