//! The ways to an upstream: tokens, certificates, proxies, keys, and where nobody is let go.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;

use super::*;
use crate::upstream::{Proxy, SshAccess};

fn token(token: &str) -> Options {
    Options { token: Some(("keptnuser".to_owned(), token.to_owned())), ..Options::default() }
}

#[test]
fn new_credentials_count_once_they_were_tried() {
    let elsewhere = Elsewhere::with(token("hunter2"), UpstreamSettings::default());
    elsewhere.create().unwrap();
    let _guard = elsewhere.runtime.enter();
    let set = |upstream: &Upstream| elsewhere.upstreams.set(&elsewhere.shop.name, upstream, now());
    let said = set(&elsewhere.upstream("hunter3")).unwrap_err();
    assert!(matches!(said, ResourceError::Unauthorized { .. }), "{said}");
    assert!(elsewhere.write("a.yaml", "1").unwrap().1, "the former ones are still there");
    set(&elsewhere.upstream("hunter2")).unwrap();
}

#[test]
fn a_token_that_is_no_longer_good_undoes_the_write() {
    let elsewhere = Elsewhere::with(token("hunter2"), UpstreamSettings::default());
    elsewhere.create().unwrap();
    let before = elsewhere.shop.git(&["rev-parse", "dev"]);
    let other = GitServer::start(elsewhere.root.path(), token("hunter3")).unwrap();
    let access = HttpAccess { token: "hunter2".to_owned(), ..HttpAccess::default() };
    let stale = Upstream::new(&other.url("shop"), "", Access::Http(access)).unwrap();
    let sealed = elsewhere.upstreams.seal(&elsewhere.shop.name, &stale);
    crate::upstream::put(&elsewhere.shop.dir(), &sealed).unwrap();
    let said = elsewhere.write("a.yaml", "1").unwrap_err();
    assert!(matches!(said, ResourceError::Unauthorized { .. }), "{said}");
    assert_eq!(elsewhere.shop.git(&["rev-parse", "dev"]), before);
    assert!(elsewhere.status().unreachable.is_some());
}

#[test]
fn a_project_moves_to_another_upstream_with_all_it_has() {
    let elsewhere = Elsewhere::created();
    elsewhere.write("a.yaml", "1").unwrap();
    let there = elsewhere.server.make("new", "main");
    let new = Upstream::new(&elsewhere.server.url("new"), "", Access::Http(HttpAccess::default()));
    let _guard = elsewhere.runtime.enter();
    elsewhere.upstreams.set(&elsewhere.shop.name, &new.unwrap(), now()).unwrap();
    let all = ["rev-parse", "dev", "master", "prod"];
    assert_eq!(git(&there, &all, "").unwrap(), elsewhere.shop.git(&all));
    let (commit, _) = elsewhere.write("a.yaml", "2").unwrap();
    assert_eq!(git(&there, &["rev-parse", "dev"], "").unwrap(), commit);
    // One that has something else is none to move to.
    let said = elsewhere.upstreams.set(&elsewhere.shop.name, &elsewhere.upstream(""), now());
    assert!(said.is_ok(), "it leads to ours");
    elsewhere.pushed("dev", "b.yaml", "3");
    let back = Upstream::new(&elsewhere.server.url("new"), "", Access::Http(HttpAccess::default()));
    elsewhere.upstreams.set(&elsewhere.shop.name, &back.unwrap(), now()).unwrap();
    assert_eq!(elsewhere.shop.read(&dev(), "b.yaml", None), "3", "it is brought along");
}

#[test]
fn a_project_without_an_upstream_gets_one() {
    let elsewhere = Elsewhere::new();
    let stages = [stage("dev"), stage("prod")];
    let repositories = &elsewhere.shop.repositories;
    repositories.create_project(&elsewhere.shop.name, &stages, SHIPYARD, now()).unwrap();
    assert!(!elsewhere.upstreams.has(&elsewhere.shop.name));
    let (_, synced) = elsewhere.write("a.yaml", "1").unwrap();
    assert!(synced, "there is nothing to be pushed to");
    let _guard = elsewhere.runtime.enter();
    elsewhere.upstreams.set(&elsewhere.shop.name, &elsewhere.upstream(""), now()).unwrap();
    assert_eq!(elsewhere.there(&["cat-file", "-p", "dev:a.yaml"]), "1");
    assert_eq!(elsewhere.status().unsynced, []);
}

#[test]
fn nobody_is_let_go_where_the_administrator_does_not_want_it() {
    let deny = vec![Regex::new("^http://127\\.").unwrap()];
    let settings = UpstreamSettings { deny, ..UpstreamSettings::default() };
    let elsewhere = Elsewhere::with(Options::default(), settings);
    let said = elsewhere.create().unwrap_err();
    assert!(said.to_string().starts_with("Invalid RemoteURL: http://127."), "{said}");
    assert_eq!(elsewhere.server.fetches(), 0);
}

#[test]
fn an_upstream_that_says_nothing_is_given_up_in_time() {
    let settings =
        UpstreamSettings { time_max: Duration::from_secs(1), ..UpstreamSettings::default() };
    let elsewhere = Elsewhere::with(Options::default(), settings);
    elsewhere.create().unwrap();
    elsewhere.server.set(Mode::Silent);
    let Synced::Unreachable(reason) = elsewhere.synchronise() else { panic!("nobody answers") };
    assert_eq!(reason, "it did not answer within 1 s");
    elsewhere.server.set(Mode::Serve);
    assert!(matches!(elsewhere.synchronise(), Synced::Done { .. }));
}

/// A server with a certificate that nobody knows, and the certificate.
fn unknown_authority() -> (Options, String) {
    let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key.into())
        .unwrap();
    (Options { tls: Some(Arc::new(config)), ..Options::default() }, signed.cert.pem())
}

#[test]
fn a_certificate_is_known_given_or_not_looked_at() {
    let (options, certificate) = unknown_authority();
    let elsewhere = Elsewhere::with(options, UpstreamSettings::default());
    let with = |access| {
        let upstream = Upstream::new(&elsewhere.server.url("shop"), "", Access::Http(access));
        elsewhere.create_at(&upstream.unwrap(), Attempt::First)
    };
    let said = with(HttpAccess::default()).unwrap_err().to_string();
    assert!(
        said.starts_with("Upstream repository not found") && said.contains("certificate"),
        "{said}"
    );
    with(HttpAccess { certificate: Some(certificate), ..HttpAccess::default() }).unwrap();
    elsewhere.shop.repositories.remove_project(&elsewhere.shop.name).unwrap();
    std::fs::remove_dir_all(&elsewhere.there).unwrap();
    elsewhere.server.make("shop", "main");
    with(HttpAccess { insecure_skip_tls: true, ..HttpAccess::default() }).unwrap();
}

#[test]
fn a_proxy_is_used_for_its_project_alone() {
    let proxy = Some(("mel".to_owned(), "a:b@c".to_owned()));
    let through =
        Elsewhere::with(Options { proxy, ..Options::default() }, UpstreamSettings::default());
    let said = through.create().unwrap_err();
    assert!(said.to_string().contains("407"), "{said}");
    let access = HttpAccess {
        proxy: Some(Proxy {
            scheme: "http".to_owned(),
            url: through.server.address().to_string(),
            user: "mel".to_owned(),
            password: "a:b@c".to_owned(),
        }),
        ..HttpAccess::default()
    };
    // Only the proxy knows this host.
    let upstream = Upstream::new("http://git.invalid/shop.git", "", Access::Http(access)).unwrap();
    through.create_at(&upstream, Attempt::First).unwrap();
    Elsewhere::created();
}

/// Stands in for `ssh`: says what it was called with, and is let in by the right passphrase only.
const SSH: &str = r#"#!/bin/sh
dir=$(dirname "$0")
echo "$*" >>"$dir/called"
for word in "$@"; do
    case $last in -i) key=$word ;; esac
    last=$word
done
[ "$(stat -c %a "$key")" = 600 ] && grep -q hunter2 "$key" || { echo "key" >&2; exit 255; }
[ "$("$SSH_ASKPASS")" = "open sesame" ] || { echo "git@host: Permission denied (publickey)." >&2; exit 255; }
cd "$dir/.." && eval "${last#* }" 2>/dev/null || eval "$last"
"#;

#[test]
fn over_ssh_the_key_is_there_for_the_call_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let bin = tempfile::tempdir().unwrap();
    let bin = bin.path();
    let ssh = bin.join("ssh").to_string_lossy().into_owned();
    let elsewhere = Elsewhere::with(
        Options::default(),
        UpstreamSettings { ssh, ..UpstreamSettings::default() },
    );
    std::fs::write(bin.join("ssh"), SSH).unwrap();
    std::fs::set_permissions(bin.join("ssh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let access = |passphrase: &str| {
        let private_key = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END".to_owned();
        Access::Ssh(SshAccess { private_key, passphrase: passphrase.to_owned() })
    };
    let url = format!("ssh://host:2222{}", elsewhere.there.display());
    let create = |passphrase: &str| {
        let upstream = Upstream::new(&url, "", access(passphrase)).unwrap();
        let _guard = elsewhere.runtime.enter();
        let (name, stages) = (&elsewhere.shop.name, [stage("dev")]);
        let upstreams = &elsewhere.upstreams;
        upstreams.create_project(name, &upstream, &stages, SHIPYARD, now(), Attempt::First)
    };
    let said = create("wrong").unwrap_err();
    assert!(matches!(said, ResourceError::Unauthorized { .. }), "{said}");
    create("open sesame").unwrap();
    assert_eq!(elsewhere.there(&["rev-parse", "dev"]), elsewhere.shop.git(&["rev-parse", "dev"]));
    let called = std::fs::read_to_string(bin.join("called")).unwrap();
    for part in ["-F none", "IdentitiesOnly=yes", "accept-new", "User=git", "-p 2222", "host"] {
        assert!(called.contains(part), "{part} in {called}");
    }
    assert!(!called.contains("hunter2") && !called.contains("sesame"), "{called}");
    let left = std::fs::read_dir(elsewhere.shop.root()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".unf")), "{left:?}");
}
