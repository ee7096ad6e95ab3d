//! Signs how far the chains of the audit log have come, while a server runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tidegate_core::audit::{Action, Chain, Checkpoint, SigningKey};
use tidegate_core::principal::Principal;
use tidegate_engine::{Engine, Failure};
use tidegate_store::{AuditHead, PAGE_MAX, Write};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::export_file;

/// When the next checkpoints are due, once something new was recorded.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// After so many records…
    records: u64,
    /// …or after this time.
    time: Duration,
}

const PACE: Pace = Pace { records: 1000, time: Duration::from_secs(5 * 60) };

/// The task that signs. It waits for commits and asks nobody; the writer does no more for it than to
/// keep a row.
pub(crate) struct Checkpoints {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Checkpoints {
    /// Begins with what a former run has left unsigned.
    pub(crate) fn start(engine: Engine, key: SigningKey, export: Option<PathBuf>) -> Self {
        Self::run(Signer { engine, key, export, unsent: BTreeMap::new() }, PACE)
    }

    fn run(signer: Signer, pace: Pace) -> Self {
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(signer.run(pace, stopping));
        Self { stop, task }
    }

    /// Signs what is left, and ends. The engine still runs.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the task that signs the audit log ended badly");
        }
    }
}

struct Signer {
    engine: Engine,
    key: SigningKey,
    /// Where checkpoints go besides the store.
    export: Option<PathBuf>,
    /// The newest checkpoint of each chain that could not be written there yet.
    unsent: BTreeMap<Chain, String>,
}

impl Signer {
    async fn run(mut self, pace: Pace, mut stopping: watch::Receiver<bool>) {
        let mut audited = self.engine.audited();
        self.tell_of_another_key().await;
        loop {
            // Before signing: what was recorded before the stop is signed, whenever the stop comes.
            let is_last = *stopping.borrow_and_update();
            let signed = *audited.borrow_and_update();
            let done = self.sign().await;
            if is_last {
                return;
            }
            // What failed is tried again after a while, whether there is something new or not.
            if done {
                tokio::select! {
                    _ = audited.changed() => {}
                    _ = stopping.changed() => continue,
                }
            }
            let enough = |count: &u64| count.saturating_sub(signed) >= pace.records;
            tokio::select! {
                () = tokio::time::sleep(pace.time) => {}
                _ = audited.wait_for(enough), if done => {}
                _ = stopping.changed() => {}
            }
        }
    }

    /// Signs every chain that has moved; false where something is left to be done.
    async fn sign(&mut self) -> bool {
        let mut offset = Some(0);
        while let Some(from) = offset {
            let page =
                match self.engine.read(move |reader| reader.audit_heads(from, PAGE_MAX)).await {
                    Ok(page) => page,
                    Err(error) => return failed(&error),
                };
            offset = page.next;
            for head in page.items {
                if head.link.n > head.checkpointed
                    && let Err(error) = self.sign_one(head).await
                {
                    return failed(&error);
                }
            }
        }
        self.send().await
    }

    async fn sign_one(&mut self, head: AuditHead) -> Result<(), Failure> {
        let AuditHead { chain, link, .. } = head;
        let checkpoint = Checkpoint { chain: chain.clone(), link, at: self.engine.now() };
        let signed = self.key.sign(checkpoint);
        if self.export.is_some() {
            self.unsent.insert(chain, signed.to_line());
        }
        self.engine.write(Write::Checkpoint(Box::new(signed)), &Principal::tidegate()).await?;
        Ok(())
    }

    /// Appends to the file what is not there yet.
    async fn send(&mut self) -> bool {
        let Some(path) = self.export.clone().filter(|_| !self.unsent.is_empty()) else {
            return true;
        };
        let (lines, shown) = (self.unsent.clone(), path.display().to_string());
        let appended =
            tokio::task::spawn_blocking(move || export_file::append(&path, lines.values())).await;
        match appended {
            Ok(Ok(())) => {
                self.unsent.clear();
                true
            }
            Ok(Err(error)) => {
                tracing::error!(%error, path = shown, "checkpoints cannot leave the store");
                false
            }
            Err(error) => failed(&error),
        }
    }

    /// A key that was lost or changed is part of the record, not a secret of whoever runs the server.
    async fn tell_of_another_key(&self) {
        let to = self.key.public();
        let newest = self.engine.read(|reader| {
            let head = reader.audit_head(&Chain::Installation)?;
            let n = head.map_or(0, |head| head.checkpointed);
            reader.audit_checkpoints(&Chain::Installation, n, 1)
        });
        let from = match newest.await {
            Ok(newest) => newest.first().map(|signed| signed.key),
            Err(error) => {
                failed(&error);
                return;
            }
        };
        let Some(from) = from.filter(|from| *from != to) else { return };
        tracing::warn!(%from, %to, "checkpoints are signed with another key from now on");
        let action = Box::new(Action::SigningKeyChanged { from, to });
        let write = Write::Record(Chain::Installation, action);
        if let Err(error) = self.engine.write(write, &Principal::tidegate()).await {
            failed(&error);
        }
    }
}

fn failed(error: &impl std::fmt::Display) -> bool {
    tracing::error!(%error, "the audit log could not be signed; trying again");
    false
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use tidegate_engine::{Ports, RepositoryResolver};
    use tidegate_resources::Repositories;
    use tidegate_resources::upstream::Upstreams;
    use tidegate_store::sqlite::SqliteHome;

    use super::*;

    async fn engine(directory: &Path) -> Engine {
        let (home, reader) = SqliteHome::open(directory).unwrap();
        let repositories = Repositories::open(&directory.join("git")).unwrap();
        let upstreams = Upstreams::unkept(repositories);
        let resolver = RepositoryResolver::new(upstreams.clone());
        let fatal = |reason| panic!("{reason}");
        Engine::start(home, Arc::new(reader), upstreams, resolver, Ports::default(), fatal)
            .await
            .unwrap()
    }

    fn signer(engine: &Engine, export: Option<PathBuf>) -> Signer {
        let (engine, key) = (engine.clone(), SigningKey::from_bytes(&[7; 32]));
        Signer { engine, key, export, unsent: BTreeMap::new() }
    }

    async fn record(engine: &Engine) {
        let write = Write::Record(Chain::Installation, Box::new(Action::SignedOut));
        engine.write(write, &Principal::Shared).await.unwrap();
    }

    /// Waits until the newest entry of the installation's chain is signed.
    async fn signed(engine: &Engine) -> AuditHead {
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        loop {
            let head = engine.read(|reader| reader.audit_head(&Chain::Installation)).await.unwrap();
            if let Some(head) = head.filter(|head| head.link.n == head.checkpointed) {
                return head;
            }
            assert!(std::time::Instant::now() < deadline, "nobody signs");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_is_recorded_is_signed_after_so_many_records() {
        let directory = tempfile::tempdir().unwrap();
        let engine = engine(directory.path()).await;
        let pace = Pace { records: 1, time: Duration::from_secs(3600) };
        let task = Checkpoints::run(signer(&engine, None), pace);
        for n in 1..=3 {
            record(&engine).await;
            assert_eq!(signed(&engine).await.link.n, n);
        }
        task.stop().await;
        engine.stop().await;
    }

    #[tokio::test]
    async fn what_is_recorded_is_signed_after_some_time_and_at_the_stop() {
        let directory = tempfile::tempdir().unwrap();
        let engine = engine(directory.path()).await;
        let soon = Pace { records: 1_000_000, time: Duration::from_millis(1) };
        let task = Checkpoints::run(signer(&engine, None), soon);
        record(&engine).await;
        assert_eq!(signed(&engine).await.link.n, 1);
        task.stop().await;
        let never = Pace { records: 1_000_000, time: Duration::from_secs(3600) };
        let task = Checkpoints::run(signer(&engine, None), never);
        record(&engine).await;
        task.stop().await;
        assert_eq!(signed(&engine).await.link.n, 2);
        engine.stop().await;
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_gets_the_newest_checkpoint_later() {
        let directory = tempfile::tempdir().unwrap();
        let engine = engine(directory.path()).await;
        let place = directory.path().join("elsewhere");
        let path = place.join("checkpoints");
        let mut signer = signer(&engine, Some(path.clone()));
        record(&engine).await;
        assert!(!signer.sign().await);
        record(&engine).await;
        std::fs::create_dir(&place).unwrap();
        assert!(signer.sign().await);
        let lines = export_file::read(&path).unwrap();
        let covered: Vec<_> =
            lines.iter().map(|(_, line)| line.as_ref().unwrap().checkpoint.link.n).collect();
        assert_eq!(covered, [2]);
        assert!(signer.sign().await, "nothing new");
        assert_eq!(export_file::read(&path).unwrap().len(), 1);
        engine.stop().await;
    }

    #[tokio::test]
    async fn another_key_is_recorded_once() {
        let directory = tempfile::tempdir().unwrap();
        let engine = engine(directory.path()).await;
        record(&engine).await;
        assert!(signer(&engine, None).sign().await);
        for _ in 0..2 {
            let key = SigningKey::from_bytes(&[8; 32]);
            let mut signer = Signer { key, ..signer(&engine, None) };
            signer.tell_of_another_key().await;
            assert!(signer.sign().await);
        }
        let entries = engine.read(|reader| reader.audit(&Chain::Installation, 1, 9)).await.unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1].readable().unwrap()["action"], "signing_key_changed");
        engine.stop().await;
    }
}
