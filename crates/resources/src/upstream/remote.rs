//! What is said to an upstream, by `git` itself, and what it answers.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git2::Oid;
use tempfile::TempDir;

use super::credentials::{Access, HttpAccess, SshAccess, Upstream};
use crate::child::{Git, Said};
use crate::debris::UNFINISHED;
use crate::disk;
use crate::error::ResourceError;

/// Where a fetch puts the branches of an upstream.
pub(super) const FETCHED: &str = "refs/tidegate/fetched/";
/// Longest reason that is passed on, in characters.
const REASON_CHARS_MAX: usize = 500;

/// Why an upstream did not do what it was asked. The texts hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RemoteProblem {
    /// It does not let us in.
    Unauthorized(String),
    /// It has no such repository.
    Missing(String),
    /// Nobody answers, or not in time, or nothing that makes sense.
    Unreachable(String),
}

/// What became of a branch that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It is there.
    Taken,
    /// Somebody else has pushed there since.
    Behind,
    /// The upstream does not want it, and says why.
    Refused(String),
}

/// A call to an upstream from a repository.
pub(super) struct Remote<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) repository: &'a Path,
    pub(super) hooks: &'a Path,
    pub(super) root: &'a Path,
    pub(super) ssh: &'a str,
}

impl Remote<'_> {
    /// Fetches all branches to [`FETCHED`], and forgets those that are gone.
    pub(super) fn fetch(
        &self,
        time_max: Duration,
    ) -> Result<Result<(), RemoteProblem>, ResourceError> {
        let branches = format!("+refs/heads/*:{FETCHED}*");
        let arguments = [
            "fetch",
            "--quiet",
            "--no-write-fetch-head",
            "--no-tags",
            "--prune",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--no-show-forced-updates",
            self.upstream.url(),
            &branches,
            // Those are our own.
            "^refs/heads/tidegate/*",
        ];
        Ok(self.ask(&arguments, time_max)?.map(drop))
    }

    /// The full name of the branch that a clone would begin with; none where there is no commit yet.
    pub(super) fn head(
        &self,
        time_max: Duration,
    ) -> Result<Result<Option<String>, RemoteProblem>, ResourceError> {
        let said = self.ask(&["ls-remote", "--symref", self.upstream.url(), "HEAD"], time_max)?;
        Ok(said.map(|said| {
            let head = said.out.lines().find_map(|line| line.strip_prefix("ref: "));
            let head = head.and_then(|line| line.split('\t').next());
            head.filter(|name| name.starts_with("refs/heads/")).map(str::to_owned)
        }))
    }

    /// Pushes commits to branches: all of them or none, where the upstream knows how. The answer is
    /// that of the first branch that was not taken.
    pub(super) fn push(
        &self,
        branches: &[(String, Oid)],
        time_max: Duration,
    ) -> Result<Result<Pushed, RemoteProblem>, ResourceError> {
        let specs: Vec<String> =
            branches.iter().map(|(branch, tip)| format!("{tip}:refs/heads/{branch}")).collect();
        let push = |atomic: Option<&str>| {
            let mut arguments = vec!["push", "--porcelain", "--no-verify"];
            arguments.extend(atomic);
            arguments.push(self.upstream.url());
            arguments.extend(specs.iter().map(String::as_str));
            self.said(&arguments, time_max)
        };
        let said = match push((branches.len() > 1).then_some("--atomic"))? {
            Some(said) if said.err.contains("does not support --atomic") => push(None)?,
            said => said,
        };
        let Some(said) = said else { return Ok(Err(too_slow(time_max))) };
        // One line a branch: flag, from:to, what became of it.
        let refusals = said.out.lines().filter_map(|line| line.strip_prefix("!\t"));
        let mut refusals: Vec<Pushed> = refusals.filter_map(refusal).collect();
        if said.succeeded {
            return Ok(Ok(Pushed::Taken));
        }
        // What says no counts more than what came too late: trying again would not help.
        refusals.sort_by_key(|refusal| *refusal == Pushed::Behind);
        match refusals.into_iter().next() {
            Some(Pushed::Refused(reason)) => {
                Ok(Ok(Pushed::Refused(with_remarks(&reason, &said.err))))
            }
            Some(pushed) => Ok(Ok(pushed)),
            None => Ok(Err(problem(&said))),
        }
    }

    fn ask(
        &self,
        arguments: &[&str],
        time_max: Duration,
    ) -> Result<Result<Said, RemoteProblem>, ResourceError> {
        Ok(match self.said(arguments, time_max)? {
            Some(said) if said.succeeded => Ok(said),
            Some(said) => Err(problem(&said)),
            None => Err(too_slow(time_max)),
        })
    }

    fn said(&self, arguments: &[&str], time_max: Duration) -> Result<Option<Said>, ResourceError> {
        // It goes when this ends, or when the root is opened next.
        let scratch = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(self.root);
        let scratch = disk::at(self.root, scratch)?;
        let mut git = Git::new(self.repository, self.hooks, Path::new(""));
        git.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
        for (key, value) in [
            // Nothing that an address could name but what was checked.
            ("protocol.allow", "never"),
            // Whoever answers could lead to where nobody is let go.
            ("http.followRedirects", "false"),
            ("credential.helper", ""),
            ("core.askPass", ""),
            ("fetch.unpackLimit", "1"),
            // What old tools have written is not to be mended by those who only deliver it.
            ("fetch.fsck.zeroPaddedFilemode", "warn"),
            ("fetch.fsck.badTimezone", "warn"),
            ("fetch.fsck.missingSpaceBeforeDate", "warn"),
        ] {
            git.set(key, value);
        }
        match self.upstream.access() {
            Access::Http(access) => self.over_http(&mut git, access, &scratch)?,
            Access::Ssh(access) => self.over_ssh(&mut git, access, &scratch)?,
        }
        git.ask(arguments, time_max)
    }

    fn over_http(
        &self,
        git: &mut Git,
        access: &HttpAccess,
        scratch: &TempDir,
    ) -> Result<(), ResourceError> {
        git.set("protocol.http.allow", "always").set("protocol.https.allow", "always");
        if !access.token.is_empty() {
            let pair = format!("{}:{}", self.upstream.http_user(), access.token);
            let header = format!("Authorization: Basic {}", STANDARD.encode(pair));
            git.set("http.extraHeader", header);
        }
        if access.insecure_skip_tls {
            git.set("http.sslVerify", "false");
        }
        if let Some(certificate) = &access.certificate {
            let path = scratch.path().join("authorities.pem");
            disk::at(&path, fs::write(&path, certificate))?;
            git.set("http.sslCAInfo", path.to_string_lossy());
        }
        if let Some(proxy) = &access.proxy {
            let encode = |text: &str| {
                let text =
                    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
                text.to_string()
            };
            let who = match proxy.user.is_empty() {
                true => String::new(),
                false => format!("{}:{}@", encode(&proxy.user), encode(&proxy.password)),
            };
            git.set("http.proxy", format!("{}://{who}{}", proxy.scheme, proxy.url));
        }
        Ok(())
    }

    fn over_ssh(
        &self,
        git: &mut Git,
        access: &SshAccess,
        scratch: &TempDir,
    ) -> Result<(), ResourceError> {
        git.set("protocol.ssh.allow", "always");
        let (key, ask) = (scratch.path().join("key"), scratch.path().join("ask"));
        let private_key = format!("{}\n", access.private_key.trim_end());
        disk::at(&key, fs::write(&key, private_key))?;
        disk::at(&key, fs::set_permissions(&key, Permissions::from_mode(0o600)))?;
        disk::at(&ask, fs::write(&ask, "#!/bin/sh\nprintf '%s\\n' \"$TIDEGATE_PASSPHRASE\"\n"))?;
        disk::at(&ask, fs::set_permissions(&ask, Permissions::from_mode(0o700)))?;
        // The first key that a host shows is the one it has to show from then on.
        let known = self.repository.join(super::KNOWN_HOSTS);
        let quoted = |path: &Path| format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"));
        let ssh = quoted(Path::new(self.ssh));
        let mut command = format!("{ssh} -F none -i {}", quoted(&key));
        for option in [
            "IdentitiesOnly=yes",
            "PreferredAuthentications=publickey",
            "StrictHostKeyChecking=accept-new",
            "HashKnownHosts=no",
            "ConnectTimeout=10",
        ] {
            command.push_str(" -o ");
            command.push_str(option);
        }
        command.push_str(" -o UserKnownHostsFile=");
        command.push_str(&quoted(&known));
        let authority = self.upstream.url().trim_start_matches("ssh://").split('/').next();
        if !authority.unwrap_or_default().contains('@') {
            command.push_str(" -o User=git");
        }
        git.env("GIT_SSH_COMMAND", command).env("GIT_SSH_VARIANT", "ssh");
        git.env("SSH_ASKPASS", &ask).env("SSH_ASKPASS_REQUIRE", "force");
        git.env("TIDEGATE_PASSPHRASE", &access.passphrase);
        Ok(())
    }
}

fn too_slow(time_max: Duration) -> RemoteProblem {
    RemoteProblem::Unreachable(format!("it did not answer within {} s", time_max.as_secs()))
}

/// What a line of `git push --porcelain` says about a branch that was not taken.
fn refusal(line: &str) -> Option<Pushed> {
    let summary = line.split('\t').nth(1)?;
    let reason =
        summary.split_once('(').map_or(summary, |(_, reason)| reason.trim_end_matches(')'));
    const BEHIND: [&str; 4] = ["non-fast-forward", "fetch first", "stale info", "cannot lock ref"];
    if BEHIND.iter().any(|known| reason.contains(known)) || reason.contains("failed to update ref")
    {
        return Some(Pushed::Behind);
    }
    // Another branch of the same push has failed.
    if reason.contains("atomic") {
        return None;
    }
    Some(Pushed::Refused(reason.to_owned()))
}

/// A hook or a server explains itself in remarks.
fn with_remarks(reason: &str, err: &str) -> String {
    let remarks = err.lines().filter_map(|line| line.strip_prefix("remote: "));
    let remarks: Vec<&str> = remarks.map(str::trim).filter(|line| !line.is_empty()).collect();
    let text = match remarks.is_empty() {
        true => reason.to_owned(),
        false => format!("{reason}: {}", remarks.join(" ")),
    };
    shortened(&text)
}

fn problem(said: &Said) -> RemoteProblem {
    let text = &said.err;
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let reason = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")));
    // What SSH says tells more than what `git` makes of it.
    const SSH: [&str; 3] = ["Permission denied", "Host key verification failed", "ssh: "];
    let ssh = text.lines().find(|line| SSH.iter().any(|word| line.contains(word)));
    let reason = ssh.or(reason).or_else(|| text.lines().next_back());
    let reason = shortened(reason.unwrap_or("git said nothing"));
    if has(&[
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "returned error: 401",
        "returned error: 403",
        "Permission denied (",
        "invalid format",
        "incorrect passphrase",
    ]) {
        RemoteProblem::Unauthorized(reason)
    } else if has(&["not found", "does not appear to be a git repository", "returned error: 404"])
        && !has(&["ould not resolve host"])
    {
        RemoteProblem::Missing(reason)
    } else {
        RemoteProblem::Unreachable(reason)
    }
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_told_apart() {
        let of = |err: &str| {
            problem(&Said { succeeded: false, out: String::new(), err: err.to_owned() })
        };
        for err in [
            "fatal: could not read Username for 'https://host': terminal prompts disabled\n",
            "fatal: Authentication failed for 'https://host/a/'\n",
            "fatal: unable to access 'https://host/a/': The requested URL returned error: 403\n",
            "git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\nPlease make sure\n",
        ] {
            assert!(matches!(of(err), RemoteProblem::Unauthorized(_)), "{err}");
        }
        for err in [
            "remote: Not Found\nfatal: repository 'https://host/a/' not found\n",
            "fatal: '/a' does not appear to be a git repository\n",
        ] {
            assert!(matches!(of(err), RemoteProblem::Missing(_)), "{err}");
        }
        for err in [
            "fatal: unable to access 'https://host/': Failed to connect to host port 443\n",
            "fatal: unable to access 'https://host/': Could not resolve host: host\n",
            "Host key verification failed.\r\nfatal: Could not read from remote repository.\n",
            "",
        ] {
            assert!(matches!(of(err), RemoteProblem::Unreachable(_)), "{err}");
        }
        let said = of("@ WARNING @\r\nHost key verification failed.\r\nfatal: Could not read\n");
        let reason = "Host key verification failed.".to_owned();
        assert_eq!(said, RemoteProblem::Unreachable(reason));
        let said = of("warning: x\nfatal: early EOF\nfatal: the remote end hung up\n");
        assert_eq!(said, RemoteProblem::Unreachable("the remote end hung up".to_owned()));
    }

    #[test]
    fn what_became_of_a_push_is_told_apart() {
        let line = |summary: &str| refusal(&format!("abc:refs/heads/qa\t{summary}"));
        assert_eq!(line("[rejected] (fetch first)"), Some(Pushed::Behind));
        assert_eq!(line("[rejected] (non-fast-forward)"), Some(Pushed::Behind));
        assert_eq!(line("[remote rejected] (failed to update ref)"), Some(Pushed::Behind));
        assert_eq!(line("[rejected] (atomic push failed)"), None);
        let refused = Pushed::Refused("protected branch hook declined".to_owned());
        assert_eq!(line("[remote rejected] (protected branch hook declined)"), Some(refused));
        let said = with_remarks("hook declined", "remote: \nremote: qa is protected\nerror: x\n");
        assert_eq!(said, "hook declined: qa is protected");
    }
}
