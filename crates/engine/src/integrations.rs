//! Integrations: programs of somebody's own that register, are heard of, and take work over.

use tidegate_core::names::TaskName;
use tidegate_core::principal::Principal;
use tidegate_core::uniform::{Command, IntegrationId, Outcome, Record, Registrar, Rules};
use tidegate_store::{Reader, Write, Written};

use crate::failure::Failure;
use crate::handle::Engine;

impl Engine {
    /// What the installation has set about integrations.
    #[must_use]
    pub fn integration_rules(&self) -> &Rules {
        &self.inner.ports.settings.integrations
    }

    /// The integrations that are registered, by id.
    ///
    /// # Errors
    /// The store's own.
    pub async fn integrations(&self) -> Result<Vec<Record>, Failure> {
        self.read(Reader::integrations).await
    }

    /// One of them.
    ///
    /// # Errors
    /// The store's own.
    pub async fn integration(&self, id: &IntegrationId) -> Result<Option<Record>, Failure> {
        let id = id.clone();
        self.read(move |reader| reader.integration(&id)).await
    }

    /// Registers an integration, or changes it. `tasks` are the only ones that the caller's token answers; none
    /// where it may do everything.
    ///
    /// # Errors
    /// Nothing was changed; why. That there is no such integration, or that it is somebody else's, is no
    /// failure but an outcome.
    pub async fn change_integrations(
        &self,
        command: Command,
        tasks: Option<&[TaskName]>,
        by: &Principal,
    ) -> Result<Outcome, Failure> {
        let tasks = tasks.map(<[TaskName]>::to_vec);
        match self.write(Write::Integration { command, tasks }, by).await? {
            Written::Integration(outcome) => Ok(outcome),
            other => Err(Failure::Internal(format!("a change of integrations answers {other:?}"))),
        }
    }

    /// An integration says that it is still there, every few seconds. Most of the time that is known well
    /// enough, and nothing is written.
    ///
    /// # Errors
    /// As [`Engine::change_integrations`].
    pub async fn hear_of(
        &self,
        id: IntegrationId,
        tasks: Option<&[TaskName]>,
        by: &Principal,
    ) -> Result<Outcome, Failure> {
        let Some(record) = self.integration(&id).await? else { return Ok(Outcome::NoIntegration) };
        let caller = Registrar { principal: by.clone(), tasks: tasks.map(<[TaskName]>::to_vec) };
        if !record.is_stale(self.integration_rules(), self.now())
            && record.may_be_changed_by(&caller)
        {
            return Ok(Outcome::Seen(Box::new(record)));
        }
        self.change_integrations(Command::Ping(id), tasks, by).await
    }
}
