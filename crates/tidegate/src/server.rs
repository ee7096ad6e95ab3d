//! A running server: every part wired to the others. `serve` and `demo` both start one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use jiff::Timestamp;
use tidegate_core::sequence::Settings;
use tidegate_engine::{Engine, Ports, RepositoryResolver};
use tidegate_identity::{Origin, RateLimit, Secret, Tokens};
use tidegate_integrations::gate::Gate;
use tidegate_integrations::jobs::{Jobs, JobsConfig, JobsSetup, Secrets};
use tidegate_integrations::remediation::Remediation;
use tidegate_integrations::sli::{SliProviders, SliSetup};
use tidegate_resources::Repositories;
use tidegate_resources::hosting::Hosting;
use tidegate_resources::upstream::Upstreams;
use tidegate_store::sqlite::SqliteHome;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::audit::Checkpoints;
use crate::config::Config;
use crate::data::DataDir;
use crate::logs::Logs;
use crate::metrics::{self, Exposition};
use crate::packing::Packing;
use crate::telemetry::Telemetry;

/// How long open requests may take after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// A server that answers.
pub(crate) struct Server {
    /// The engine.
    pub(crate) engine: Engine,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The token of the data directory, and whether it was made at this start; none where the
    /// configuration has one.
    pub(crate) token: Option<(Secret, Origin)>,
    public_url: String,
    data: DataDir,
    jobs: Jobs,
    gate: Gate,
    sli: SliProviders,
    remediation: Remediation,
    checkpoints: Checkpoints,
    packing: Packing,
    telemetry: Option<Telemetry>,
    stop: watch::Sender<bool>,
    http: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Opens the store, takes up what a former run left undone, and listens.
    pub(crate) async fn start(
        config: Config,
        data: DataDir,
        listen: SocketAddr,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}; use another --listen"))?;
        let integrations = Arc::new(config.integration_rules(Timestamp::now())?);
        // Before a token is made: one that nobody was shown is of no use.
        Tokens::new(&Secret::generate(), &config.tokens)?;
        let (token, from_file) = match config.api_token {
            Some(token) => (token, None),
            None => {
                let (token, origin) = tidegate_identity::load_or_generate(data.path())?;
                (token.clone(), Some((token, origin)))
            }
        };
        let tokens = Arc::new(Tokens::new(&token, &config.tokens)?);
        let key = crate::audit::key(config.audit.key.as_deref(), data.path())?;
        let (home, reader) = SqliteHome::open(data.path())?;
        let repositories =
            Repositories::open_for(&data.path().join("git"), config.projects.stages())?;
        let program = std::env::current_exe().context("cannot find this program")?;
        let hosting = Hosting::new(repositories.clone(), program)?;
        let key_of_upstreams = crate::upstreams::key(config.upstream.key.as_deref(), data.path())?;
        let upstreams = Upstreams::new(repositories, key_of_upstreams, config.upstream.settings()?);
        let resolver = RepositoryResolver::new(upstreams.clone());
        let target = config.telemetry.target()?;
        let traceparent = config.telemetry.traceparent(target.is_some());
        let settings = Settings { traceparent, integrations, ..config.tasks.settings() };
        let retention = config.retention.retention();
        let provisioner = config.upstream.provisioner()?;
        let metrics = config.metrics.metrics();
        let ports = Ports { settings, retention, metrics, provisioner, ..Ports::default() };
        let store = Arc::new(reader.clone());
        let engine = Engine::start(home, store, upstreams, resolver, ports, fatal).await?;
        tidegate_api::load_tokens(&engine, &tokens).await?;
        let secrets = exposed(&config.secrets);
        let setup = jobs_setup(config.jobs, secrets.clone(), &data)?;
        let jobs = Jobs::start(engine.clone(), setup).context("cannot start jobs")?;
        let setup = SliSetup { config: config.sli, secrets, results: Some(jobs.results()) };
        // What they ask may be behind TLS.
        tidegate_client::init();
        let sli = SliProviders::start(engine.clone(), setup)?;
        let gate = Gate::start(engine.clone(), config.gate);
        let remediation = Remediation::start(engine.clone(), &config.remediation);
        let telemetry = target
            .map(|target| Telemetry::start(engine.clone(), target, data.path().join("telemetry")));
        let packing = Packing::start(engine.clone(), hosting.clone());
        let checkpoints = Checkpoints::start(engine.clone(), key, config.audit.checkpoints);
        let address = listener.local_addr()?;
        data.keep_endpoint(address)?;
        let (stop, stopping) = watch::channel(false);
        let limits = Arc::new(Mutex::new(RateLimit::default()));
        let mut app = router(&engine, hosting, &tokens, &limits, &jobs, stopping.clone());
        if config.metrics.enabled {
            let data = data.path().to_owned();
            let exposition = Exposition::new(engine.clone(), &reader, jobs.metrics(), data);
            app = metrics::watch(app, exposition);
        }
        let http = tokio::spawn(listen_until(listener, app, stopping));
        let public_url = config.public_url.unwrap_or_else(|| format!("http://{address}"));
        let token = from_file;
        Ok(Self {
            engine,
            address,
            token,
            public_url,
            data,
            jobs,
            gate,
            sli,
            remediation,
            checkpoints,
            packing,
            telemetry,
            stop,
            http,
        })
    }

    /// How people reach it, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        self.public_url.trim_end_matches('/')
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.data.path().to_owned()
    }

    /// Answers what was accepted, and stops. Jobs go on under their supervisors.
    pub(crate) async fn stop(self) {
        self.end(Jobs::stop).await;
    }

    /// As [`Server::stop`], and no job is left running.
    pub(crate) async fn stop_with_jobs(self) {
        self.end(Jobs::stop_all).await;
    }

    async fn end(mut self, stop: impl AsyncFnOnce(Jobs)) {
        self.close().await;
        let Self { engine, jobs, gate, sli, remediation, packing, checkpoints, telemetry, .. } =
            self;
        stop(jobs).await;
        gate.stop().await;
        sli.stop().await;
        remediation.stop().await;
        drop(packing);
        checkpoints.stop().await;
        if let Some(telemetry) = telemetry {
            telemetry.stop().await;
        }
        engine.stop().await;
    }

    async fn close(&mut self) {
        self.stop.send_replace(true);
        match tokio::time::timeout(DRAIN, &mut self.http).await {
            Ok(Ok(Ok(()))) => {}
            Ok(other) => tracing::error!(?other, "the HTTP server ended badly"),
            Err(_) => {
                tracing::warn!("some requests took longer than {DRAIN:?}; they are cut off");
                self.http.abort();
            }
        }
        self.data.drop_endpoint();
    }
}

fn router(
    engine: &Engine,
    hosting: Hosting,
    tokens: &Arc<Tokens>,
    limits: &Arc<Mutex<RateLimit>>,
    jobs: &Jobs,
    stopping: watch::Receiver<bool>,
) -> Router {
    let api = tidegate_api::ApiState {
        engine: engine.clone(),
        hosting,
        tokens: Arc::clone(tokens),
        limits: Arc::clone(limits),
        token_changes: Arc::default(),
        stopping: stopping.clone(),
        streams: tidegate_api::Streams::default(),
        version: env!("CARGO_PKG_VERSION"),
    };
    let bridge = tidegate_bridge::BridgeState {
        engine: engine.clone(),
        tokens: Arc::clone(tokens),
        limits: Arc::clone(limits),
        logs: Arc::new(Logs(jobs.logs())),
        stopping,
    };
    let app = tidegate_bridge::router(bridge).merge(tidegate_api::router(api));
    app.layer(axum::middleware::from_fn(crate::log::request))
}

fn exposed(secrets: &BTreeMap<String, BTreeMap<String, Secret>>) -> Secrets {
    let keys = |keys: &BTreeMap<String, Secret>| {
        keys.iter().map(|(key, secret)| (key.clone(), secret.expose().to_owned())).collect()
    };
    secrets.iter().map(|(name, of_name)| (name.clone(), keys(of_name))).collect()
}

fn jobs_setup(config: JobsConfig, secrets: Secrets, data: &DataDir) -> anyhow::Result<JobsSetup> {
    let program = std::env::current_exe().context("cannot find this program")?;
    Ok(JobsSetup {
        config,
        secrets,
        directory: data.path().join("jobs"),
        supervisor: vec![program.into_os_string(), "job-run".into()],
    })
}

async fn listen_until(
    listener: TcpListener,
    app: Router,
    mut stopping: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            // An error means that the sender is gone, which is a stop as well.
            drop(stopping.wait_for(|stop| *stop).await);
        })
        .await
}

/// The store can no longer be trusted: whoever starts the process again finds all that was
/// acknowledged.
#[allow(clippy::needless_pass_by_value, reason = "the engine gives it away")]
fn fatal(reason: String) {
    tracing::error!(reason, "the store failed; the process ends so that nothing false is said");
    std::process::exit(70);
}
