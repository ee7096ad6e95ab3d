//! The machine: Git, the disk, and the port.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use super::finding::Finding;

/// Less than this is a problem, however large the disk is.
const FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;

/// A version as major and minor.
type Version = (u32, u32);

pub(super) fn git() -> Finding {
    let (found, oldest) = tidegate_resources::git_version();
    judge_git(found, oldest)
}

fn judge_git(found: Option<Version>, oldest: Version) -> Finding {
    const SUBJECT: &str = "git";
    let (major, minor) = oldest;
    let install = format!("install git {major}.{minor} or newer");
    match found {
        Some(version) if version >= oldest => {
            Finding::ok(SUBJECT, format!("version {}.{}", version.0, version.1))
        }
        Some((old, older)) => Finding::problem(
            SUBJECT,
            format!("version {old}.{older} is too old to serve clones, pushes and upstreams"),
        )
        .so(install),
        None => Finding::problem(SUBJECT, "it is not in the PATH, and files of projects need it")
            .so(install),
    }
}

/// The space that is left for the data directory.
pub(super) fn space(data: &Path) -> Finding {
    match rustix::fs::statvfs(data) {
        Ok(found) => {
            let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
            judge_space(bytes(found.f_bavail), bytes(found.f_blocks))
        }
        Err(error) => Finding::problem("disk", format!("its space cannot be asked: {error}")),
    }
}

fn judge_space(free: u64, size: u64) -> Finding {
    const SUBJECT: &str = "disk";
    let gibibytes = |bytes: u64| bytes as f64 / 1024.0 / 1024.0 / 1024.0;
    let what = format!("{:.1} of {:.1} GiB are free", gibibytes(free), gibibytes(size));
    let remedy = "free some space, give it more, or set [retention]";
    if free < FREE_BYTES_MIN {
        Finding::problem(SUBJECT, what).so(remedy)
    } else if free < size / 10 {
        Finding::note(SUBJECT, what).so(remedy)
    } else {
        Finding::ok(SUBJECT, what)
    }
}

/// Whether a server could listen there. Asked while none runs.
pub(super) fn port(listen: SocketAddr) -> Finding {
    const SUBJECT: &str = "port";
    match TcpListener::bind(listen) {
        Ok(_) => Finding::ok(SUBJECT, format!("{listen} is free")),
        Err(error) => Finding::note(SUBJECT, format!("nobody can listen on {listen} now: {error}"))
            .so("stop what listens there, or use another `listen`"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_git_that_is_old_or_not_there_is_a_problem() {
        assert_eq!(judge_git(Some((2, 34)), (2, 34)).level, Level::Ok);
        for found in [Some((2, 33)), Some((1, 99)), None] {
            let judged = judge_git(found, (2, 34));
            assert_eq!(judged.level, Level::Problem);
            assert!(judged.line().ends_with("install git 2.34 or newer"), "{}", judged.line());
        }
    }

    #[test]
    fn little_space_is_told_before_there_is_none() {
        const GIB: u64 = 1 << 30;
        assert_eq!(judge_space(50 * GIB, 100 * GIB).level, Level::Ok);
        assert_eq!(judge_space(9 * GIB, 100 * GIB).level, Level::Note);
        assert_eq!(judge_space(GIB / 8, GIB / 4).level, Level::Problem);
        assert_eq!(
            judge_space(9 * GIB, 100 * GIB).line(),
            "note: disk: 9.0 of 100.0 GiB are free; free some space, give it more, or set [retention]"
        );
    }

    #[test]
    fn a_port_that_somebody_has_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = taken.local_addr().unwrap();
        let judged = port(listen);
        assert_eq!(judged.level, Level::Note);
        assert!(judged.what.contains(&listen.to_string()), "{}", judged.line());
        drop(taken);
        assert_eq!(port(listen).level, Level::Ok);
    }
}
