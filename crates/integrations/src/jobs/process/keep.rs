//! What of jobs is worth keeping: what is known about them, not what they worked with.

use std::fs;
use std::io;
use std::path::Path;

use super::directory::{self, JobDir};

/// Copies the records of all jobs from one directory of jobs to another; answers how many jobs there
/// are. Jobs may run meanwhile. Nothing is synced.
///
/// # Errors
/// A file cannot be read or written.
pub fn copy_records(from: &Path, to: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    directory::private_dir(to)?;
    let mut jobs = 0;
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_job(&JobDir::at(&entry.path()), &JobDir::at(&target))?;
            jobs += 1;
        } else if entry.path().extension().is_some_and(|end| end == directory::CANCEL) {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(jobs)
}

/// A job that seems not to have started is started anew where the copy is used, so the start is looked
/// for behind the end, and the end again behind the start.
fn copy_job(from: &JobDir, to: &JobDir) -> io::Result<()> {
    directory::private_dir(to.path())?;
    for [from, to] in [
        [from.spec(), to.spec()],
        [from.result(), to.result()],
        [from.start(), to.start()],
        [from.result(), to.result()],
        [from.log(), to.log()],
        [from.supervisor_log(), to.supervisor_log()],
    ] {
        copy(&from, &to)?;
    }
    Ok(())
}

/// A file that is not there is nothing to be kept.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::copy(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn records_are_kept_and_workspaces_are_not() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let job = from.path().join("1f-000-000");
        for inner in ["keptn/charts", "home", "tmp"] {
            fs::create_dir_all(job.join(inner)).unwrap();
        }
        for file in ["spec.json", "started.json", "out.log", "lock", "result.json.new", "keptn/a"] {
            fs::write(job.join(file), file).unwrap();
        }
        fs::write(from.path().join("1f.cancel"), "").unwrap();
        let to = to.path().join("jobs");
        assert_eq!(copy_records(from.path(), &to).unwrap(), 1);
        assert_eq!(names(&to), ["1f-000-000", "1f.cancel"]);
        let kept = to.join("1f-000-000");
        assert_eq!(names(&kept), ["out.log", "spec.json", "started.json"]);
        assert_eq!(fs::read_to_string(kept.join("out.log")).unwrap(), "out.log");
    }

    #[test]
    fn where_no_job_ever_ran_there_is_nothing_to_keep() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(copy_records(&dir.path().join("jobs"), &dir.path().join("to")).unwrap(), 0);
        assert!(!dir.path().join("to").exists());
    }
}
