//! Text that others wrote stays text.

use std::collections::BTreeMap;

use askama::Template as _;
use serde_json::json;
use tidegate_core::approval::Decision;

use super::browser::on_site;
use super::scene::person;
use crate::logs::JobLog;
use crate::pages::gallery::{gallery, visitor};

/// What must never reach a page as it stands.
const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "</textarea><script>alert(2)</script>",
    "\"><img src=x onerror=alert(3)>",
    "' onmouseover='alert(4)",
    "javascript:alert(5)",
    "data:text/html,<script>alert(6)</script>",
    "<svg/onload=alert(7)>",
    "{{ 7*7 }}{% include \"x\" %}",
    "a\u{202e}b\u{0}c\u{200b}d",
];

/// Whether markup holds nothing that came from the list as markup.
fn assert_harmless(page: &str) {
    for mark in ["<script>", "<img", "<svg/", "onerror=alert(3)>", "'alert(4)", "\u{202e}", "\0"] {
        assert!(!page.contains(mark), "{mark:?} in {page}");
    }
    for scheme in ["href=\"javascript:", "href=\"data:"] {
        assert!(!page.contains(scheme), "{scheme}");
    }
}

#[test]
fn labels_never_become_markup_or_scripts() {
    let labels: BTreeMap<String, String> =
        HOSTILE.iter().map(|text| (format!("k{text}"), (*text).to_owned())).collect();
    let page = gallery(&visitor(), &labels).render().unwrap();
    assert_harmless(&page);
    assert!(page.contains("&#60;script&#62;alert(1)") && page.contains("a⟨U+202E⟩b␀c⟨U+200B⟩d"));
}

#[test]
fn nothing_in_a_delivery_becomes_markup() {
    on_site(|site| async move {
        let hostile = HOSTILE.join(" ");
        let labels = json!({"evil": hostile, "link": "https://good.example/\"><script>"});
        let mut ada = site.sign_in("ada").await;
        let approval = site.scene.to_approval("x:<script>alert(8)</script>", &labels).await;
        assert_harmless(&ada.get("/bridge/inbox").await.text);
        site.scene.decide(&approval, Decision::Approve, "grace", &hostile.replace('\0', "")).await;
        let how = json!({"message": hostile, "status": "errored", "result": "fail"});
        let task = site.scene.execute(approval.context, "deployment", &how).await;
        let log = JobLog { text: hostile.clone(), dropped_bytes: 0, running: false };
        site.logs.kept.lock().unwrap().insert(task, log);
        let context = approval.context;
        let sequence = format!("/bridge/project/tour/sequence/{context}");
        for path in [
            "/bridge/inbox",
            &approval_path(approval.id),
            "/bridge/project/tour/sequence",
            &sequence,
            &format!("{sequence}?open={task}&stage=%3Cscript%3E"),
            &format!("{sequence}/abort"),
            &format!("{sequence}/rerun"),
        ] {
            let page = ada.get(path).await;
            assert_eq!(page.status, 200, "{path}");
            assert_harmless(&page.text);
        }
        let event = ada.get(&format!("/bridge/event/{}", approval.id)).await;
        assert_eq!(event.headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(event.headers["x-content-type-options"], "nosniff");
        // What a person typed comes back in the form as it was.
        let mut again = site.sign_in("ada").await;
        let open = site.scene.deliver("x:2", &labels, &person("ada")).await;
        site.scene.execute(open, "deployment", &json!({})).await;
        site.scene.execute(open, "evaluation", &json!({})).await;
        let open = approval_path(site.scene.approval(open).await.id);
        let page = again.get(&open).await;
        let typed = "</textarea><script>".repeat(400);
        let fields = [("decision", "approve"), ("comment", typed.as_str())];
        let refused = again.submit(&format!("{open}/decision"), &page, &fields).await;
        assert_eq!(refused.status, 422);
        assert_harmless(&refused.text);
        assert!(refused.text.contains("&#60;/textarea&#62;&#60;script&#62;"));
    });
}

fn approval_path(id: tidegate_core::names::EventId) -> String {
    format!("/bridge/approval/{id}")
}

#[test]
fn no_template_opts_out_of_escaping() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("|safe") && !text.contains("| safe"), "{path:?}");
        for inline in [" style=", " onclick=", "javascript:", "<style", "http://", "https://"] {
            assert!(!text.contains(inline), "{inline} in {path:?}");
        }
    }
}

/// A template writes what is `HtmlSafe` as it stands.
#[test]
fn drawings_alone_are_written_as_they_stand_and_one_module_makes_them() {
    fn files(directory: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }
    let mut all = Vec::new();
    files(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut all);
    let mark = concat!("impl Html", "Safe for");
    all.retain(|path| std::fs::read_to_string(path).unwrap().contains(mark));
    assert!(all.len() == 1 && all[0].ends_with("view/svg.rs"), "{all:?}");
}
