//! The server that runs on the data directory, as it says of itself.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use super::finding::Finding;
use crate::config::Config;
use crate::request::{get, get_with};

const SUBJECT: &str = "server";
/// Projects whose upstream is asked about.
const PROJECTS_MAX: usize = 200;

/// What is known of a server from its files.
pub(super) enum Running {
    /// Nobody holds the data directory.
    No,
    /// Somebody does.
    Yes {
        /// Where it listens; none before it does.
        address: Option<SocketAddr>,
    },
}

/// Whether a server holds the data directory, by the lock and the address that it left.
pub(super) fn find(data: &Path) -> Running {
    let Ok(lock) = File::open(data.join("lock")) else { return Running::No };
    // Given back at once: a server that starts at this very moment would say that another one runs.
    if flock(&lock, FlockOperation::NonBlockingLockShared).is_ok() {
        return Running::No;
    }
    let endpoint = fs::read_to_string(data.join("endpoint")).ok();
    let address = endpoint.and_then(|text| text.trim().strip_prefix("http://")?.parse().ok());
    Running::Yes { address }
}

/// What the server says.
pub(super) fn ask(running: &Running, config: &Config, data: &Path) -> Vec<Finding> {
    let address = match running {
        Running::No => return vec![Finding::ok(SUBJECT, "none runs on this data directory")],
        Running::Yes { address: None } => {
            return vec![
                Finding::problem(
                    SUBJECT,
                    "one runs on this data directory, and does not listen yet",
                )
                .so("wait until it has started; its log says what it does"),
            ];
        }
        Running::Yes { address: Some(address) } => *address,
    };
    let mut findings = vec![health(address)];
    let Some(token) = token(config, data) else {
        findings.push(
            Finding::note(
                SUBJECT,
                "its version and its upstreams are not asked: there is no token here",
            )
            .so("run this with the server's --config, or set TIDEGATE_API_TOKEN"),
        );
        return findings;
    };
    findings.extend(version(address, &token));
    findings
}

fn health(address: SocketAddr) -> Finding {
    let asked = |path| match get(address, path) {
        Ok((200, _)) => Ok(()),
        Ok((code, _)) => Err(format!("{path} is answered {code}")),
        Err(error) => Err(format!("{path} is not answered: {error}")),
    };
    match asked("/health").and_then(|()| asked("/ready")) {
        Ok(()) => Finding::ok(SUBJECT, format!("answers on {address}, and is ready")),
        Err(why) => Finding::problem(SUBJECT, format!("on {address}: {why}"))
            .so("its log says why; restart it where it hangs"),
    }
}

/// Only what every header can hold.
fn token(config: &Config, data: &Path) -> Option<String> {
    let text = match &config.api_token {
        Some(token) => token.expose().to_owned(),
        None => {
            fs::read_to_string(data.join(tidegate_identity::TOKEN_FILE)).ok()?.trim().to_owned()
        }
    };
    text.chars().all(|c| c.is_ascii_graphic()).then(|| format!("x-token: {text}\r\n"))
}

fn version(address: SocketAddr, token: &str) -> Option<Finding> {
    let answer = match get_with(address, "/api/v1/metadata", token) {
        Ok((200, body)) => body,
        Ok((code, _)) => {
            return Some(
                Finding::note(SUBJECT, format!("its version is not told: {code}"))
                    .so("run this with the server's own --config"),
            );
        }
        // That it does not answer is told already.
        Err(_) => return None,
    };
    let metadata: Value = serde_json::from_str(&answer).unwrap_or_default();
    let version = metadata["tidegateversion"].as_str().unwrap_or("unknown");
    Some(judge_version(version, env!("CARGO_PKG_VERSION")))
}

fn judge_version(theirs: &str, ours: &str) -> Finding {
    match theirs == ours {
        true => Finding::ok(SUBJECT, format!("version {theirs}")),
        false => Finding::note(SUBJECT, format!("version {theirs}, and this program is {ours}"))
            .so("use the program that the server was started with"),
    }
}

/// How the upstreams of these projects stand, as the server knows them.
pub(super) fn upstreams(
    running: &Running,
    config: &Config,
    data: &Path,
    projects: &[String],
) -> Vec<Finding> {
    let Running::Yes { address: Some(address) } = running else { return Vec::new() };
    let Some(token) = token(config, data) else { return Vec::new() };
    let ask = |project: &String| {
        let path = format!("/api/tidegate/v1/project/{project}/upstream");
        let (code, body) = get_with(*address, &path, &token).ok()?;
        let state: Value = (code == 200).then(|| serde_json::from_str(&body).ok()).flatten()?;
        Some(judge_upstream(project, &state))
    };
    projects.iter().take(PROJECTS_MAX).filter_map(ask).collect()
}

fn judge_upstream(project: &str, state: &Value) -> Finding {
    const SUBJECT: &str = "upstream";
    let count = |key: &str| state[key].as_array().map_or(0, Vec::len);
    let (unsynced, conflicts) = (count("unsynced"), count("conflicts"));
    if let Some(reason) = state["unreachable"]["reason"].as_str() {
        let since = state["unreachable"]["since"].as_str().unwrap_or_default();
        return Finding::problem(
            SUBJECT,
            format!("{project}: out of reach since {since}: {reason}"),
        )
        .so("see to the network, the address or the credentials (keptn update project)");
    }
    if conflicts > 0 {
        return Finding::problem(SUBJECT, format!("{project}: {conflicts} branches did not fit"))
            .so("the project's page shows them");
    }
    if unsynced > 0 {
        return Finding::note(SUBJECT, format!("{project}: {unsynced} branches are not there yet"))
            .so("they are pushed again and again");
    }
    Finding::ok(SUBJECT, format!("{project}: it has everything"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Level;
    use super::*;

    #[test]
    fn another_version_is_told() {
        assert_eq!(judge_version("0.1.0", "0.1.0").level, Level::Ok);
        assert_eq!(judge_version("0.2.0", "0.1.0").level, Level::Note);
    }

    #[test]
    fn an_upstream_is_judged_by_the_worst_that_is_known_of_it() {
        let away = json!({"since": "2026-11-26T01:00:00Z", "reason": "no route"});
        for (state, level, says) in [
            (
                json!({"unsynced": [], "conflicts": [], "unreachable": null}),
                Level::Ok,
                "everything",
            ),
            (
                json!({"unsynced": [{"branch": "qa"}], "conflicts": []}),
                Level::Note,
                "not there yet",
            ),
            (json!({"unsynced": [{}], "conflicts": ["x"]}), Level::Problem, "did not fit"),
            (json!({"conflicts": ["x"], "unreachable": away}), Level::Problem, "no route"),
        ] {
            let found = judge_upstream("tour", &state);
            assert!(found.level == level && found.what.contains(says), "{}", found.line());
        }
    }

    #[test]
    fn what_nobody_holds_is_no_running_server() {
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(find(directory.path()), Running::No));
        let lock = File::create(directory.path().join("lock")).unwrap();
        // What a server that was killed has left.
        fs::write(directory.path().join("endpoint"), "http://127.0.0.1:9\n").unwrap();
        assert!(matches!(find(directory.path()), Running::No));
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        let running = find(directory.path());
        assert!(matches!(running, Running::Yes { address: Some(_) }));
        let said = ask(&running, &Config::default(), directory.path());
        assert_eq!(said[0].level, Level::Problem, "{}", said[0].line());
        fs::remove_file(directory.path().join("endpoint")).unwrap();
        let said = ask(&find(directory.path()), &Config::default(), directory.path());
        assert!(said[0].line().contains("does not listen yet"), "{}", said[0].line());
    }
}
