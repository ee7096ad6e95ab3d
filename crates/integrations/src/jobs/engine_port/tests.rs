//! The port on an engine whose steps panic now and then.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;
use tidegate_core::event::Draft;
use tidegate_core::names::ProjectName;
use tidegate_core::principal::Principal;
use tidegate_core::sequence::{ContextState, ViewError};
use tidegate_engine::{Ports, RepositoryResolver};
use tidegate_resources::upstream::Upstreams;
use tidegate_store::SequenceFilter;
use tidegate_store::sqlite::SqliteHome;
use tidegate_store::watched::{Watch, Watched};

use super::super::{ExecutorConfig, ImageMap};
use super::*;

const SHIPYARD: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{ name: deployment }]
";

/// So many reads of a task panic.
#[derive(Default)]
struct Panics(AtomicU32);

impl Watch for Panics {
    fn reads(&self, row: &'static str) -> Result<(), ViewError> {
        let take = |left: u32| left.checked_sub(1);
        if row == "task" && self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            std::panic::resume_unwind(Box::new("told to panic"));
        }
        Ok(())
    }
}

#[tokio::test]
async fn the_answer_of_a_job_that_meets_a_fault_is_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let panics = Arc::new(Panics::default());
    let (home, reader) = SqliteHome::open(directory.path()).unwrap();
    let repositories = Repositories::open(&directory.path().join("git")).unwrap();
    let upstreams = Upstreams::unkept(repositories);
    let resolver = RepositoryResolver::new(upstreams.clone());
    let home = Watched { home, watch: Arc::clone(&panics) };
    let fatal = |why| panic!("{why}");
    let engine =
        Engine::start(home, Arc::new(reader), upstreams, resolver, Ports::default(), fatal);
    let engine = engine.await.unwrap();
    let (shop, by) = (ProjectName::new("shop").unwrap(), Principal::Shared);
    engine.create_project(shop.clone(), SHIPYARD.to_owned(), &by).await.unwrap();
    let trigger = json!({"type": "sh.keptn.event.qa.delivery.triggered", "source": "test",
        "data": {"project": "shop", "stage": "qa", "service": "carts"}});
    engine.accept(Draft::from_value(trigger).unwrap(), &by, None).await.unwrap();

    let executor = ProcessExecutor::open(ExecutorConfig {
        directory: directory.path().join("jobs"),
        supervisor: Vec::new(),
        images: ImageMap::new(Vec::new()),
        output_max: 1,
        grace: Duration::ZERO,
    });
    let (tell, _progress) = mpsc::unbounded_channel();
    let executor = Arc::new(executor.unwrap());
    let port = EnginePort::new(engine.clone(), executor, Policy::default(), Secrets::new(), tell);
    let delivery = port.claim().await;
    let mut data = Map::new();
    delivery.scope.write(&mut data);
    panics.0.store(1, Ordering::SeqCst);
    assert!(port.started(&delivery, Uuid::from_u128(1), data.clone()).await);
    Outcome::PASS.write(&mut data);
    panics.0.store(2, Ordering::SeqCst);
    port.finished(&delivery, Uuid::from_u128(2), data).await;

    let filter = SequenceFilter::default();
    let ended =
        engine.read(move |reader| reader.sequences(&shop, &filter, 0, Some(10))).await.unwrap();
    assert_eq!(ended.items[0].state, ContextState::Finished);
    let aside = engine.read(|reader| reader.quarantined(0, 10)).await.unwrap();
    assert_eq!(aside.total, 3, "each attempt is kept");
    engine.stop().await;
}
