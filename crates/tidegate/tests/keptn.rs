//! The program under the name `keptn`, with the command lines of Keptn's tutorial.

mod support;

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use support::{SHIPYARD, Server, TOKEN, answer, pass};
use tidegate_gitserver::{GitServer, Options};

struct Scene {
    directory: tempfile::TempDir,
    server: Server,
}

impl Scene {
    fn new() -> Self {
        Self::configured("")
    }

    /// With this in the configuration file.
    fn configured(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("data");
        let server = match text {
            "" => Server::start(&data),
            _ => {
                let config = directory.path().join("tidegate.toml");
                std::fs::write(&config, text).expect("there is room");
                Server::configured(&data, Some(config))
            }
        };
        let link = directory.path().join("keptn");
        symlink(env!("CARGO_BIN_EXE_tidegate"), link).expect("a link");
        let scene = Self { directory, server };
        scene.write("shipyard.yaml", SHIPYARD);
        scene
    }

    /// One whose token is kept already.
    fn authenticated() -> Self {
        Self::new().signed_in()
    }

    fn signed_in(self) -> Self {
        let scene = self;
        scene.ok(&["auth", &scene.endpoint(), &format!("--api-token={TOKEN}")]);
        scene
    }

    fn endpoint(&self) -> String {
        format!("--endpoint=http://{}/api", self.server.address)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("it is made");
        std::fs::write(path, content).expect("it is written");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(self.path("keptn"))
            .current_dir(self.directory.path())
            .args(arguments)
            .env("HOME", self.directory.path())
            .env_remove("KUBECONFIG")
            .env_remove("TIDEGATE_API_TOKEN")
            .env_remove("TIDEGATE_ENDPOINT")
            .output()
            .expect("the binary starts")
    }

    /// What a command prints that succeeds.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && err.is_empty(), "{arguments:?}: {err}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What a command complains about.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn create(&self) {
        let out = self.ok(&["create", "project", "tour", "--shipyard", "shipyard.yaml"]);
        assert_eq!(out, "Starting to create project\nProject created successfully\n");
        let out = self.ok(&["create", "service", "hello", "--project=tour"]);
        assert_eq!(out, "Starting to create service\nService created successfully\n");
    }

    /// Paths of the files of a stage.
    fn files(&self, stage: &str) -> Vec<String> {
        let path = format!("/api/resource-service/v1/project/tour/stage/{stage}/resource");
        let (code, body) = self.server.get(&format!("{path}?pageSize=100"));
        assert_eq!(code, 200, "{body}");
        let files = body["resources"].as_array().expect("a list").iter();
        files.map(|file| file["resourceURI"].as_str().expect("text").to_owned()).collect()
    }

    /// Answers the open task of a delivery with `pass`.
    fn execute(&self, task: &str) {
        let open = self.server.open(task);
        self.server.post("/api/v1/event", &answer(&open[0], "started", &serde_json::json!({})));
        self.server.post("/api/v1/event", &answer(&open[0], "finished", &pass()));
    }
}

#[test]
fn a_token_is_kept_for_its_owner_alone_and_only_if_it_is_right() {
    let scene = Scene::new();
    let error = scene.fails(&["status"]);
    assert_eq!(
        error,
        "Error: This command requires to be authenticated. See \"keptn auth\" for details\n"
    );
    let error = scene.fails(&["auth", &scene.endpoint(), "--api-token=wrong"]);
    assert!(
        error.starts_with("Error: authentication was not successful: incorrect api key auth"),
        "{error}"
    );
    assert!(!scene.path(".keptn").exists());
    let expected = format!(
        "Starting to authenticate\nSuccessfully authenticated against http://{0}/api\n\
         Bridge URL: http://{0}/bridge\n",
        scene.server.address
    );
    let out = scene.ok(&["auth", &scene.endpoint(), &format!("--api-token={TOKEN}")]);
    assert_eq!(out, expected);
    assert_eq!(scene.ok(&["status"]), expected);
    assert_eq!(scene.ok(&["status", "-q"]), "");
    let kept = std::fs::metadata(scene.path(".keptn/.keptn____keptn")).expect("it is kept");
    assert_eq!(kept.permissions().mode() & 0o777, 0o600);
    let shown = scene.ok(&["auth", "--export"]);
    assert!(shown.ends_with(&format!("API Token:  {TOKEN}\n")), "{shown}");
    let version = scene.ok(&["version"]);
    assert!(
        version.contains("Keptn CLI version: ") && version.contains("1.4.5 (Tidegate "),
        "{version}"
    );
    // Without a link, too.
    let same = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["keptn", "status"])
        .env("HOME", scene.directory.path())
        .env_remove("KUBECONFIG")
        .output()
        .expect("the binary starts");
    assert_eq!(String::from_utf8_lossy(&same.stdout), expected);
}

#[test]
fn credentials_are_kept_by_context_and_namespace() {
    let scene = Scene::new();
    scene.write(".kube/config", "apiVersion: v1\ncurrent-context: arn:aws/prod\n");
    let token = format!("--api-token={TOKEN}");
    scene.ok(&["auth", &scene.endpoint(), &token, "--namespace", "cd"]);
    assert!(scene.path(".keptn/.keptn__arn:aws-prod__cd").exists());
    scene.fails(&["status"]);
    scene.ok(&["status", "-n", "cd"]);
}

#[test]
fn the_tutorials_lines_deliver_and_approve() {
    deliver_and_approve(&Scene::authenticated());
}

#[test]
fn the_tutorials_lines_do_the_same_where_stages_are_directories() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = format!(
        "[audit]\nkey = \"{0}/audit-key\"\n[upstream]\nkey = \"{0}/upstream-key\"\n\
         [projects]\nstages = \"directories\"\n",
        directory.path().display()
    );
    let scene = Scene::configured(&text).signed_in();
    deliver_and_approve(&scene);
    let mut git = Command::new("git");
    git.arg("--git-dir").arg(scene.path("data/git/tour.git"));
    let branches = git.args(["for-each-ref", "--format=%(refname)"]).output();
    let branches = branches.expect("git is there").stdout;
    assert_eq!(String::from_utf8_lossy(&branches), "refs/heads/master\n");
}

fn deliver_and_approve(scene: &Scene) {
    scene.create();
    scene.write("helm/hello.tgz", "a chart");
    scene.write("locust/basic.py", "a load");
    scene.write("job-executor/job-executor-config.yaml", "apiVersion: v2\nactions: []\n");
    let common = ["add-resource", "--project=tour", "--service=hello"];
    let add = |more: &[&str]| scene.ok(&[&common[..], more].concat());
    let out =
        add(&["--all-stages", "--resource=./helm/hello.tgz", "--resourceUri=charts/hello.tgz"]);
    assert_eq!(out.lines().count(), 5, "{out}");
    assert!(out.starts_with(
        "Adding resource ./helm/hello.tgz as a service resource to service hello for stage \
         production for project tour\n"
    ));
    assert!(out.ends_with("was successful\nResource has been uploaded.\n"), "{out}");
    add(&["--stage=qa", "--resource=./locust/basic.py"]);
    add(&[
        "--all-stages",
        "--resource=./job-executor/job-executor-config.yaml",
        "--resourceUri=job/config.yaml",
    ]);
    let common = ["/charts/hello.tgz", "/job/config.yaml", "/locust/basic.py", "/metadata.yaml"];
    let qa: Vec<String> = common.iter().map(|file| format!("/hello{file}")).collect();
    assert_eq!(scene.files("qa")[..4], qa);
    assert!(!scene.files("production").contains(&"/hello/locust/basic.py".to_owned()));
    scene.ok(&["add-resource", "--project=tour", "--resource=shipyard.yaml"]);

    let out = scene.ok(&[
        "trigger",
        "delivery",
        "--project=tour",
        "--service=hello",
        "--image=ghcr.io/podtato-head/podtatoserver:v0.1.1",
        "--labels=image=ghcr.io/podtato-head/podtatoserver,version=v0.1.1",
        "--values=replicas.min=2",
    ]);
    let context = out.rsplit_once("ID of Keptn context: ").expect("it is told").1.trim();
    let triggered = &scene.server.events(context, "qa.delivery.triggered")[0]["data"];
    assert_eq!(triggered["labels"]["version"], "v0.1.1");
    let values = &triggered["configurationChange"]["values"];
    assert_eq!(values["image"], "ghcr.io/podtato-head/podtatoserver:v0.1.1");
    assert_eq!(values["replicas"]["min"], "2");

    scene.execute("deployment");
    scene.execute("test");
    let waiting = ["get", "event", "approval.triggered", "--project=tour", "--stage=production"];
    let event: Value = serde_json::from_str(&scene.ok(&waiting)).expect("JSON");
    assert_eq!(event["shkeptncontext"], context);
    let id = format!("--id={}", event["id"].as_str().expect("an id"));
    let approve =
        ["send", "event", "approval.finished", "--project=tour", "--stage=production", &id];
    assert_eq!(scene.ok(&approve), "Starting to send approval.finished event\n");
    assert_eq!(scene.server.events(context, "approval.finished")[0]["data"]["result"], "pass");
    assert!(scene.ok(&approve).contains("No open approval.triggered event with the ID"));
    assert_eq!(scene.ok(&waiting), "No approval.triggered events have been found\n");
    let all = scene.ok(&[
        "get",
        "event",
        "deployment.triggered",
        "--project=tour",
        "--keptn-context",
        context,
    ]);
    let all: Value = serde_json::from_str(&all).expect("JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(2));
}

#[test]
fn a_service_is_deleted_and_created_again() {
    let scene = Scene::authenticated();
    scene.create();
    let delete = ["delete", "service", "hello", "--project=tour"];
    let done = "Starting to delete service\nService deleted successfully\n";
    assert_eq!(scene.ok(&delete), done);
    assert_eq!(scene.files("qa"), ["/metadata.yaml"]);
    let error =
        scene.fails(&["trigger", "delivery", "--project=tour", "--service=hello", "--image=i"]);
    assert!(error.contains("service hello has not been found"), "{error}");
    assert_eq!(scene.ok(&delete), done, "as Keptn says it");
    scene.ok(&["create", "service", "hello", "--project=tour"]);
    assert_eq!(scene.files("qa"), ["/hello/metadata.yaml", "/metadata.yaml"]);
    let error = scene.fails(&["delete", "service", "hello", "--project=nowhere"]);
    assert!(
        error.starts_with("Error: Delete service was unsuccessful. Project not found"),
        "{error}"
    );
}

#[test]
fn an_event_is_sent_from_a_file_without_what_the_api_does_not_know() {
    let scene = Scene::authenticated();
    scene.create();
    scene.write(
        "event.json",
        r#"{"type": "sh.keptn.event.qa.delivery.triggered", "source": "by-hand", "odd": 1,
            "data": {"project": "tour", "stage": "qa", "service": "hello"}}"#,
    );
    let out = scene.ok(&["send", "event", "--file", "event.json"]);
    let context = out.strip_prefix("ID of Keptn context: ").expect("it is told").trim();
    assert_eq!(scene.server.events(context, "qa.delivery.triggered").len(), 1);
    scene.write("bad.json", "no json");
    let error = scene.fails(&["send", "event", "-f", "bad.json"]);
    assert!(error.starts_with("Error: Failed to map event to API event model."), "{error}");
    scene.write("bad.json", "{}");
    let error = scene.fails(&["send", "event", "-f", "bad.json"]);
    assert!(error.starts_with("Error: Send event was unsuccessful."), "{error}");
}

#[test]
fn an_evaluation_is_triggered_in_keptns_words() {
    let scene = Scene::authenticated();
    scene.create();
    let evaluate = |more: &[&'static str]| {
        [&["trigger", "evaluation", "--project=tour", "--stage=qa"][..], more].concat()
    };
    let (hello, ten) = ("--service=hello", "--timeframe=10m");
    let said = scene.ok(&evaluate(&[hello, "--start=2026-11-24T10:00:00", ten, "--labels=a=b"]));
    assert!(said.contains("Starting to trigger evaluation of the service hello in project tour"));
    let context = said.trim().rsplit(' ').next().unwrap();
    let triggered = &scene.server.events(context, "qa.evaluation.triggered")[0]["data"];
    assert_eq!(triggered["evaluation"]["start"], "2026-11-24T10:00:00.000Z");
    assert_eq!(triggered["evaluation"]["end"], "2026-11-24T10:10:00.000Z");
    assert_eq!(triggered["labels"]["a"], "b");
    let said = scene.ok(&evaluate(&[hello, "-q"]));
    let context = said.trim().rsplit(' ').next().unwrap();
    let triggered = &scene.server.events(context, "qa.evaluation.triggered")[0]["data"];
    let at = |key: &str| {
        let time = triggered["evaluation"][key].as_str().unwrap().parse::<jiff::Timestamp>();
        time.unwrap()
    };
    assert_eq!(at("end").duration_since(at("start")).as_secs(), 300, "the last five minutes");
    for (more, why) in [
        ([hello, "--end=2026-11-24T10:00:00Z", ten], "--end together with --timeframe"),
        ([hello, "--end=2026-11-24T10:00:00Z", "-q"], "not set: start date is required"),
        ([hello, "--timeframe=30s", "-q"], "at least 1 minute"),
        (["--service=nowhere", ten, "-q"], "service not found"),
    ] {
        let said = scene.fails(&evaluate(&more));
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn who_measures_is_chosen_in_keptns_words() {
    let scene = Scene::configured("[sli.prometheus]\nendpoint = \"http://127.0.0.1:9\"");
    let scene = scene.signed_in();
    scene.create();
    let configure = ["configure", "monitoring", "prometheus", "--project=tour"];
    let out = scene.ok(&[&configure[..], &["--service=hello"]].concat());
    assert!(out.starts_with("ID of Keptn context: "), "{out}");
    assert!(out.ends_with("\nPrometheus successfully configured and rule created\n"), "{out}");
    let error = scene.fails(&configure);
    assert_eq!(error, "Error: Please specify a service\n");
    let elsewhere = ["configure", "monitoring", "prometheus", "--project=no", "--service=hello"];
    let error = scene.fails(&elsewhere);
    assert!(error.contains("error while retrieving information for project no"), "{error}");
}

#[test]
fn what_goes_wrong_is_said_in_keptns_words() {
    let scene = Scene::authenticated();
    scene.create();
    for (line, said) in [
        (
            &["create", "project", "tour", "-s", "shipyard.yaml"][..],
            "Create project was unsuccessful.\n",
        ),
        (
            &["create", "project", "x", "-s", "nothing"],
            "Failed to read and parse shipyard file - nothing",
        ),
        (
            &["create", "project", "x", "-s", "shipyard.yaml", "-t", "s3cret"],
            "GIT remote URL must be set",
        ),
        (
            &["create", "project", "x", "-s", "shipyard.yaml", "-r", "https://example.org/x.git"],
            "GIT Access token or GIT private key must be set",
        ),
        (&["create", "service", "hello", "-p", "tour"], "Create service was unsuccessful.\n"),
        (
            &["add-resource", "-p", "tour", "--stage=qa", "--all-stages", "-r", "shipyard.yaml"],
            "Cannot use --stage and --all-stages at the same time",
        ),
        (
            &["add-resource", "-p", "tour", "--service=hello", "-r", "shipyard.yaml"],
            "Flag 'stage' is missing",
        ),
        (
            &["add-resource", "-p", "tour", "-r", "nothing"],
            "File nothing not found on local file system",
        ),
        (
            &["trigger", "delivery", "--project=x", "--service=hello", "--image=i"],
            "error while retrieving information for project x: ",
        ),
        (
            &["trigger", "delivery", "--project=tour", "--service=x", "--image=i"],
            "could not start sequence because service x has not been found in project tour",
        ),
        (
            &[
                "trigger",
                "delivery",
                "--project=tour",
                "--service=hello",
                "--image=i",
                "--values=x",
            ],
            "unable to parse input. Expected input: a.b.c=v",
        ),
    ] {
        let error = scene.fails(line);
        assert!(error.starts_with(&format!("Error: {said}")), "{line:?}: {error}");
        assert!(!error.contains("s3cret"));
    }
    // What the arguments do not say ends with 1 as well.
    for line in [&["trigger", "delivery"][..], &["nothing"], &["status", "-q", "-v"]] {
        scene.fails(line);
    }
}

#[test]
fn a_project_moves_elsewhere_and_is_deleted_in_keptns_words() {
    let scene = Scene::authenticated();
    scene.create();
    let there = GitServer::start(scene.directory.path(), Options::default()).expect("a free port");
    let repository = there.make("far", "main");
    let url = format!("--git-remote-url={}", there.url("far"));
    let update = ["update", "project", "tour", &url, "--git-user=ada"];
    let said = scene.fails(&update);
    assert!(said.contains("GIT Access token or GIT private key must be set"), "{said}");
    let out = scene.ok(&[&update[..], &["--git-token=hunter2"]].concat());
    assert_eq!(out, "Starting to update project\nProject updated successfully\n");
    let mut git = Command::new("git");
    git.arg("--git-dir").arg(&repository).args(["cat-file", "-e", "qa:hello/metadata.yaml"]);
    assert!(git.status().expect("git is there").success(), "all of it is there");
    let said = scene.fails(&["update", "project", "nowhere", &url, "--git-token=hunter2"]);
    assert!(said.starts_with("Error: Update project was unsuccessful. "), "{said}");
    let out = scene.ok(&["delete", "project", "tour"]);
    assert!(out.starts_with("Starting to delete project\nProject deleted successfully\n"), "{out}");
    let stays =
        format!("The Git upstream of the project will not be deleted: {}", there.url("far"));
    assert!(out.contains(&stays), "{out}");
    assert!(repository.join("HEAD").is_file(), "and it was not");
    scene.create();
}
