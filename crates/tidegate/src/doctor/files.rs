//! Files that belong to an installation: its configuration, its data directory, and its secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{Access, access};
use tidegate_client::Endpoint;

use super::finding::Finding;
use crate::config::Config;
use crate::{audit, upstreams};

/// The configuration, and what is wrong with it; the default one where it cannot be read.
pub(super) fn configuration(file: Option<&Path>) -> (Config, Vec<Finding>) {
    const SUBJECT: &str = "configuration";
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => {
            let what = format!("{error:#}");
            let problem = Finding::problem(SUBJECT, what).so("the server does not start with it");
            return (Config::default(), vec![problem]);
        }
    };
    let mut findings = match file {
        Some(file) => vec![Finding::ok(SUBJECT, format!("{} can be read", file.display()))],
        None => vec![
            Finding::note(SUBJECT, "none was named, so the defaults are looked at")
                .so("add --config FILE where the server has one"),
        ],
    };
    let upstream = config.upstream.settings().map(drop);
    if let Err(error) = upstream.and_then(|()| config.upstream.provisioner().map(drop)) {
        findings.push(Finding::problem(SUBJECT, format!("{error:#}")));
    }
    findings.push(public_url(config.public_url.as_deref()));
    (config, findings)
}

fn public_url(url: Option<&str>) -> Finding {
    const SUBJECT: &str = "public_url";
    let Some(url) = url else {
        return Finding::note(SUBJECT, "not set, so links lead to the address that is listened on")
            .so("set it where people reach the server by another name");
    };
    match url.parse::<Endpoint>() {
        Ok(_) => Finding::ok(SUBJECT, url),
        Err(error) => Finding::problem(SUBJECT, error.to_string())
            .so("write it as people type it, such as https://ship.example"),
    }
}

/// Whether the data directory is ours, and nobody else's.
pub(super) fn data(path: &Path) -> Finding {
    const SUBJECT: &str = "data directory";
    let shown = path.display();
    let mode = match fs::metadata(path) {
        Ok(found) if found.is_dir() => found.permissions().mode() & 0o777,
        Ok(_) => return Finding::problem(SUBJECT, format!("{shown} is no directory")),
        Err(error) => return Finding::problem(SUBJECT, format!("{shown} cannot be read: {error}")),
    };
    let others = |may: &str| format!("others may {may} {shown} (mode {mode:03o})");
    if mode & 0o022 != 0 {
        return Finding::problem(SUBJECT, others("write to")).so(format!("run: chmod 700 {shown}"));
    }
    if access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return Finding::problem(SUBJECT, format!("this user may not write to {shown}"))
            .so("run this as the user that the server runs as, and see to it that it owns it");
    }
    if mode & 0o055 != 0 {
        // What is secret in it has modes of its own.
        return Finding::note(SUBJECT, others("look into")).so(format!("run: chmod 700 {shown}"));
    }
    Finding::ok(SUBJECT, format!("{shown}, for its owner only"))
}

/// The token and the keys of an installation.
pub(super) fn secrets(config: &Config, data: &Path) -> Vec<Finding> {
    let token = token(&data.join(tidegate_identity::TOKEN_FILE), config.api_token.is_some());
    let audit_key = key("audit key", audit::key_file(config.audit.key.as_deref(), data), data);
    let upstream_key =
        key("upstream key", upstreams::key_file(config.upstream.key.as_deref(), data), data);
    vec![token, audit_key, upstream_key]
}

fn token(path: &Path, configured: bool) -> Finding {
    const SUBJECT: &str = "API token";
    let shown = path.display();
    match fs::metadata(path).map(|found| found.permissions().mode() & 0o777) {
        Ok(mode) if mode & 0o077 != 0 => Finding::problem(
            SUBJECT,
            format!("others can read {shown} (mode {mode:03o})"),
        )
        .so(format!(
            "run: chmod 600 {shown}; where others may have read it, remove it to get a new one"
        )),
        _ if configured => Finding::ok(SUBJECT, "from the configuration"),
        Ok(_) => Finding::ok(SUBJECT, format!("in {shown}, for its owner only")),
        Err(_) => {
            Finding::note(SUBJECT, "none yet").so("the next start makes one, and shows it once")
        }
    }
}

/// What was found of a key: its file, none yet, or why it cannot be used.
fn key(
    subject: &'static str,
    found: anyhow::Result<Option<std::path::PathBuf>>,
    data: &Path,
) -> Finding {
    match found {
        Err(error) => Finding::problem(subject, format!("{error:#}")),
        Ok(None) => Finding::note(subject, "none yet").so("the next start makes one"),
        Ok(Some(path)) if path.starts_with(data) => Finding::note(
            subject,
            format!("{} lies among the data", path.display()),
        )
        .so(
            "move it elsewhere and name it in the configuration: whoever has the one has the other",
        ),
        Ok(Some(path)) => Finding::ok(subject, format!("{}, for its owner only", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::path::PathBuf;

    use super::super::finding::Level;
    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_mistake_in_the_configuration_is_told_with_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("tidegate.toml");
        fs::write(&file, "[metric]\nenabled = true\n").unwrap();
        let (_, found) = configuration(Some(&file));
        assert_eq!(found[0].level, Level::Problem);
        assert!(found[0].what.contains("tidegate.toml:1:2: unknown field"), "{}", found[0].line());
        fs::write(&file, "[upstream]\ndeny = [\"(\"]\n").unwrap();
        let (_, found) = configuration(Some(&file));
        assert_eq!((found[0].level, found[1].level), (Level::Ok, Level::Problem));
        assert!(found[1].what.contains("[upstream] deny"), "{}", found[1].line());
        let (_, found) = configuration(Some(&directory.path().join("none")));
        assert!(found[0].line().contains("cannot read"), "{}", found[0].line());
        assert_eq!(configuration(None).1[0].level, Level::Note);
    }

    #[test]
    fn a_public_url_is_an_address_that_people_can_open() {
        assert_eq!(public_url(Some("https://ship.example/")).level, Level::Ok);
        assert_eq!(public_url(None).level, Level::Note);
        for wrong in ["ship.example", "ftp://ship.example", "https://ada:hunter2@ship.example", ""]
        {
            let found = public_url(Some(wrong));
            assert_eq!(found.level, Level::Problem, "{wrong}");
            assert!(!found.line().contains("hunter2"), "{}", found.line());
        }
    }

    #[test]
    fn a_data_directory_that_others_can_write_to_is_a_problem() {
        let directory = tempfile::tempdir().unwrap();
        for (mode, level) in [
            (0o700, Level::Ok),
            (0o755, Level::Note),
            (0o770, Level::Problem),
            (0o702, Level::Problem),
        ] {
            chmod(directory.path(), mode);
            let found = data(directory.path());
            assert_eq!(found.level, level, "{mode:o}");
            assert_eq!(found.line().contains("chmod 700"), level != Level::Ok, "{}", found.line());
        }
        assert_eq!(data(&directory.path().join("none")).level, Level::Problem);
        fs::write(directory.path().join("file"), "x").unwrap();
        assert!(data(&directory.path().join("file")).line().contains("no directory"));
    }

    #[test]
    fn a_token_that_others_can_read_is_a_problem() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api-token");
        assert_eq!(token(&path, false).level, Level::Note);
        assert_eq!(token(&path, true).level, Level::Ok);
        fs::write(&path, "secret").unwrap();
        chmod(&path, 0o600);
        assert_eq!(token(&path, false).level, Level::Ok);
        chmod(&path, 0o640);
        let found = token(&path, true);
        assert_eq!(found.level, Level::Problem);
        assert!(found.line().contains("chmod 600") && !found.line().contains("secret"));
    }

    #[test]
    fn a_key_that_cannot_be_used_is_a_problem_and_one_among_the_data_is_told() {
        let data = Path::new("/data");
        let judge = |found: anyhow::Result<Option<PathBuf>>| key("audit key", found, data).level;
        assert_eq!(judge(Ok(None)), Level::Note);
        assert_eq!(judge(Ok(Some("/data.audit-key".into()))), Level::Ok);
        assert_eq!(judge(Ok(Some("/data/audit-key".into()))), Level::Note);
        assert_eq!(judge(Err(anyhow::anyhow!("others can read it"))), Level::Problem);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        fs::write(&file, "x").unwrap();
        chmod(&file, 0o644);
        for found in [audit::key_file(Some(&file), data), upstreams::key_file(Some(&file), data)] {
            let found = key("key", found, data);
            assert!(found.level == Level::Problem && found.what.contains("chmod 600"), "{found:?}");
        }
    }
}
