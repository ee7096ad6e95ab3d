//! What the lock files must not hold.
//!
//! A part of what `cargo deny` judges, checked here from the same list so that it holds on machines
//! that do not have it: whoever builds Tidegate needs Rust, a C compiler and git, nothing else.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Outcome;

/// The part of `deny.toml` that names banned crates.
#[derive(Deserialize)]
struct Deny {
    bans: Bans,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

/// The part of `Cargo.lock` that names packages.
#[derive(Deserialize)]
struct Locked {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// No crate that `deny.toml` bans, and no registry's address among the browser checks' packages.
pub(crate) fn check(root: &Path) -> Result<Outcome> {
    let mut problems = banned(&read(root, "deny.toml")?, &read(root, "Cargo.lock")?)?;
    let npm = "tests/browser/package-lock.json";
    problems.extend(addresses(&read(root, npm)?).map(|line| format!("{npm}: {line}")));
    Ok(Outcome::of_problems(problems))
}

fn read(root: &Path, name: &str) -> Result<String> {
    fs::read_to_string(root.join(name)).with_context(|| format!("cannot read {name}"))
}

fn banned(deny: &str, lock: &str) -> Result<Vec<String>> {
    let deny: Deny = toml::from_str(deny).context("deny.toml")?;
    let lock: Locked = toml::from_str(lock).context("Cargo.lock")?;
    let bans = deny.bans.deny;
    let problem = |package: &Package| {
        let ban = bans.iter().find(|ban| ban.name == package.name)?;
        let Package { name, version } = package;
        Some(format!(
            "Cargo.lock: {name} {version} is banned: {}; `cargo tree -i {name}` shows who wants it",
            ban.reason
        ))
    };
    Ok(lock.package.iter().filter_map(problem).collect())
}

/// Lines that say where a package was fetched from. They bind everyone to one registry; the digests
/// beside them are what makes an install reproducible.
fn addresses(lock: &str) -> impl Iterator<Item = String> {
    lock.lines()
        .enumerate()
        .filter(|(_, line)| line.contains("\"resolved\""))
        .map(|(index, line)| format!("line {} names a registry: {}", index + 1, line.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str =
        "[bans]\ndeny = [{ crate = \"openssl-sys\", reason = \"links a system library\" }]\n";

    #[test]
    fn a_banned_crate_is_named_with_the_reason() {
        let lock = "[[package]]\nname = \"openssl-sys\"\nversion = \"0.9.1\"\n";
        let problems = banned(DENY, lock).unwrap();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("openssl-sys 0.9.1 is banned: links a system library"));
    }

    #[test]
    fn a_crate_that_only_resembles_a_banned_one_passes() {
        let lock = "[[package]]\nname = \"openssl-probe\"\nversion = \"0.2.0\"\n";
        assert_eq!(banned(DENY, lock).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn an_address_of_a_registry_is_found_by_its_line() {
        let lock = "{\n  \"resolved\": \"https://registry.example/axe.tgz\",\n  \"integrity\": \"sha512-x\"\n}";
        let found: Vec<_> = addresses(lock).collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("line 2 names a registry"), "{found:?}");
    }
}
