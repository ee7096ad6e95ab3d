//! Pages of the Bridge for somebody who is signed in, and the bytes of a first visit.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::Bench;
use super::delivery::repeat;
use super::fixture::Directory;
use super::goal::{Amount, Latency};
use super::table::Figure;
use crate::connection::Connection;
use crate::server::{Server, TOKEN};

const LIST: &str = "/bridge/project/bench/sequence";
const PAGE: Latency = Latency::Tail(Duration::from_millis(50));
/// Services that have a row on the page of their project: as many as one page has.
const SERVICES: usize = 25;
/// kB
const FIRST_LOAD_MAX: f64 = 100.0;

pub(crate) fn measure(bench: &mut Bench, directory: &Directory) -> Result<()> {
    let server = Server::start(&bench.binary, directory.path())?;
    let mut client = server.connect()?;
    let context = client.trigger("gate", "lane-0")?;
    for lane in 0..SERVICES {
        client.create_service(&format!("lane-{lane}"))?;
    }
    let cookie = sign_in(&mut client)?;
    let pages = [
        ("inbox", "/bridge/inbox".to_owned()),
        ("projects", "/bridge/projects".to_owned()),
        ("what runs where", "/bridge/projects?view=versions".to_owned()),
        ("environment of a project", "/bridge/project/bench".to_owned()),
        ("one stage of it", "/bridge/project/bench/environment/stage/qa".to_owned()),
        ("sequences of a project", LIST.to_owned()),
        ("sequences of a service", format!("{LIST}?Service=lane-0")),
        ("sequences that need approval", format!("{LIST}?Status=needs-approval")),
        // Nothing is found by these, so each looks as far as it may.
        ("sequences with a label that none has", format!("{LIST}?label=none:none")),
        ("sequences with a word that none has", format!("{LIST}?q=nowhere")),
        ("sequences that run, among those that wait", format!("{LIST}?Status=running")),
        ("one sequence", format!("{LIST}/{context}")),
    ];
    rows(bench, &mut client, &cookie, &pages)
}

/// A page each: how long the server takes for it, and what a first visit loads.
pub(crate) fn rows(
    bench: &mut Bench,
    client: &mut Connection,
    cookie: &str,
    pages: &[(&str, String)],
) -> Result<()> {
    for (name, path) in pages {
        let samples = repeat(bench.scale.row / 2, || page(client, path, cookie).map(|_| Some(())))?;
        bench.latency(&format!("Bridge: {name}"), samples, PAGE)?;
        let bytes = first_load(client, path, cookie)? as f64 / 1e3;
        let figure = Figure::Amount(bytes, "kB", Amount::AtMost(FIRST_LOAD_MAX));
        bench.table.row("  first load, page and assets, gzip", &figure);
    }
    Ok(())
}

/// Signs in with the token; answers the session's cookie.
pub(crate) fn sign_in(client: &mut Connection) -> Result<String> {
    let form = client.send("GET", "/bridge/login", "", "")?;
    let cookie = form.cookies.first().context("the form comes with a cookie")?;
    let html = form.text();
    let csrf = attribute(&html, "name=\"csrf\" value=\"").context("the form has a token")?;
    let headers =
        format!("cookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\n");
    let body = format!("csrf={}&next=&token={}", encoded(csrf), encoded(TOKEN));
    let answer = client.send("POST", "/bridge/login", &headers, &body)?;
    ensure!(answer.status == 303, "signing in was answered {}", answer.status);
    answer.cookies.into_iter().next().context("a session")
}

/// As browsers ask for it.
fn page(client: &mut Connection, path: &str, cookie: &str) -> Result<Vec<u8>> {
    get(client, path, &format!("cookie: {cookie}\r\naccept-encoding: gzip\r\n"))
}

fn get(client: &mut Connection, path: &str, headers: &str) -> Result<Vec<u8>> {
    let answer = client.send("GET", path, headers, "")?;
    ensure!(answer.status == 200, "{path} was answered {}", answer.status);
    Ok(answer.body)
}

/// Bytes of a page and everything that it loads, as they are sent.
fn first_load(client: &mut Connection, path: &str, cookie: &str) -> Result<usize> {
    let html = get(client, path, &format!("cookie: {cookie}\r\n"))?;
    let mut bytes = page(client, path, cookie)?.len();
    for asset in assets(&String::from_utf8_lossy(&html)) {
        bytes += page(client, &asset, cookie)?.len();
    }
    Ok(bytes)
}

/// What a page loads, each once.
fn assets(html: &str) -> BTreeSet<String> {
    let quoted = html.split('"').skip(1).step_by(2);
    quoted.filter(|text| text.starts_with("/bridge/assets/")).map(str::to_owned).collect()
}

/// What stands between this and the next quote.
pub(crate) fn attribute<'a>(html: &'a str, before: &str) -> Option<&'a str> {
    html.split_once(before)?.1.split('"').next()
}

/// As a form field.
pub(crate) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_loads_each_asset_once() {
        let html = r#"<link href="/bridge/assets/a.css"><script src="/bridge/assets/b.js"></script>
            <a href="/bridge/inbox">x</a><img src="/bridge/assets/a.css">"#;
        let expected = ["/bridge/assets/a.css", "/bridge/assets/b.js"];
        assert!(assets(html).iter().eq(expected.iter()));
    }

    #[test]
    fn a_form_field_is_read_and_sent_again_as_it_was() {
        let html = r#"<input name="csrf" value="a+b/c=="><input name="x">"#;
        let csrf = attribute(html, "name=\"csrf\" value=\"").unwrap();
        assert_eq!((csrf, encoded(csrf).as_str()), ("a+b/c==", "a%2Bb%2Fc%3D%3D"));
    }
}
