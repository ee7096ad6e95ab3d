//! Plans for jobs.
