//! A project whose files are kept elsewhere.

use std::process::Command;

use axum::http::StatusCode;
use tidegate_core::names::{ProjectName, StageName};
use tidegate_gitserver::{GitServer, Mode, Options};
use tidegate_resources::upstream::{Access, HttpAccess, Upstream};
use tidegate_resources::{Place, ResourcePath};

use super::browser::on_site;
use super::scene::person;

const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages: [{ name: qa, sequences: [{ name: delivery, tasks: [{ name: deployment }] }] }]
";

#[test]
fn a_page_says_what_is_not_elsewhere_yet_and_what_does_not_fit() {
    on_site(|site| async move {
        let root = tempfile::tempdir().unwrap();
        let there = GitServer::start(root.path(), Options::default()).unwrap();
        let repository = there.make("far", "main");
        let engine = &site.scene.engine;
        let (far, by) = (ProjectName::new("far").unwrap(), person("ada"));
        let access = HttpAccess { token: "hunter2".to_owned(), ..HttpAccess::default() };
        let upstream = Upstream::new(&there.url("far"), "ada", Access::Http(access)).unwrap();
        engine.create_project_at(upstream, far.clone(), SHIPYARD.to_owned(), &by).await.unwrap();
        let mut ada = site.sign_in("ada").await;
        let list = "/bridge/project/far/sequence";
        let page = ada.get(list).await;
        assert!(page.text.contains(&there.url("far")) && !page.text.contains("hunter2"));
        assert!(!page.text.contains("class=\"flags\""), "all is well");

        there.set(Mode::HangUp);
        let place = Place::Stage(StageName::new("qa").unwrap());
        let files = vec![(ResourcePath::new("a.yaml").unwrap(), b"ours".to_vec())];
        engine.write_files(far.clone(), place, files, &by).await.unwrap();
        let page = ada.get(list).await;
        assert!(page.text.contains("Out of reach"), "{}", page.text);
        assert!(page.text.contains("It does not have 1 commit of branch qa yet."));

        // Somebody else has written the same file there.
        let clone = root.path().join("clone");
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=eve", "-c", "user.email=eve@example.org"];
            let mut command = Command::new("git");
            command.arg("-C").arg(&clone).args(identity).args(arguments);
            assert!(command.status().unwrap().success(), "{arguments:?}");
        };
        std::fs::create_dir(&clone).unwrap();
        git(&["clone", "-q", "-b", "qa", repository.to_str().unwrap(), "."]);
        std::fs::write(clone.join("a.yaml"), "theirs").unwrap();
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "x"]);
        git(&["push", "-q"]);
        there.set(Mode::Serve);
        engine.refresh(&far).await.unwrap();
        let page = ada.get(list).await;
        assert!(!page.text.contains("Out of reach"), "{}", page.text);
        assert!(page.text.contains("A commit does not fit"), "{}", page.text);
        let branch = page.field("branch");
        assert!(branch.starts_with("tidegate/conflict/qa/"), "{branch}");
        let settle = "/bridge/project/far/upstream/conflict";
        let answer = ada.submit(settle, &page, &[("branch", &branch)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(!ada.get(list).await.text.contains("class=\"flags\""));
    });
}
