//! Jobs as processes of this machine (Linux).
//!
//! Each job has a directory, `jobs/<event>-<action>-<task>`, and everything that is known about it
//! lies there: making the directory is the claim, `lock` is held while its supervisor lives,
//! `started.json` is synced before the program starts, `out.log` grows while it runs, `result.json`
//! appears whole when it has ended. So any server that comes later knows what to do:
//!
//! | found | done |
//! |---|---|
//! | `result.json` | report it |
//! | the lock is held | wait until it is free |
//! | no `started.json` | start the supervisor |
//! | `started.json`, no result, lock free | *lost*: report that, and never run it again unless the task is idempotent |

mod directory;
mod executor;
mod files;
mod follow;
mod keep;
mod lock;
mod log;
mod output;
mod paths;
mod readiness;
mod record;
mod results;
mod session;
mod supervisor;

pub use executor::{ExecutorConfig, ProcessExecutor};
pub use follow::LogFollower;
pub use keep::copy_records;
pub use log::JobLog;
pub use record::{Ending, JobId, JobResult, JobSpec};
pub use supervisor::supervise;
