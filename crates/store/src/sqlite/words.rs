//! Texts that come again and again (types, stages, services, sources) stand in rows as numbers. Beside
//! them the writer remembers the other numbers that nearly every input asks for.

use std::cell::RefCell;
use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _};
use tidegate_core::names::{ContextId, ProjectName};

use crate::contract::StoreError;

use super::codec::damaged;
use super::keys::ProjectId;
use super::{log, projects};

/// Most numbers that the writer remembers; beyond that it forgets all and looks them up again.
const REMEMBERED_MAX: usize = 10_000;

/// The numbers of words and projects that the writer remembers, and where the logs end. A rollback
/// must [`forget`] them.
///
/// [`forget`]: Numbers::forget
#[derive(Debug, Default)]
pub(super) struct Numbers {
    words: RefCell<HashMap<Box<str>, i64>>,
    projects: RefCell<HashMap<ProjectName, ProjectId>>,
    newest: RefCell<HashMap<ProjectId, u64>>,
    listed: RefCell<HashMap<(ProjectId, ContextId), ()>>,
}

impl Numbers {
    /// The number of a word; it gets one where it has none.
    pub(super) fn word(&self, connection: &Connection, text: &str) -> Result<i64, StoreError> {
        if let Some(id) = self.known_word(connection, text)? {
            return Ok(id);
        }
        connection.prepare_cached("INSERT INTO word (text) VALUES (?1)")?.execute([text])?;
        let id = connection.last_insert_rowid();
        remember(&self.words, text.into(), id);
        Ok(id)
    }

    /// The number of a word, where it has one.
    pub(super) fn known_word(
        &self,
        connection: &Connection,
        text: &str,
    ) -> Result<Option<i64>, StoreError> {
        if let Some(id) = self.words.borrow().get(text) {
            return Ok(Some(*id));
        }
        let id = connection
            .prepare_cached("SELECT id FROM word WHERE text = ?1")?
            .query_row([text], |row| row.get(0))
            .optional()?;
        if let Some(id) = id {
            remember(&self.words, text.into(), id);
        }
        Ok(id)
    }

    /// The number of a project; none where there is no such project.
    pub(super) fn project(
        &self,
        connection: &Connection,
        name: &ProjectName,
    ) -> Result<Option<ProjectId>, StoreError> {
        if let Some(id) = self.projects.borrow().get(name) {
            return Ok(Some(*id));
        }
        let id = projects::id(connection, name)?;
        if let Some(id) = id {
            remember(&self.projects, name.clone(), id);
        }
        Ok(id)
    }

    /// The number of a project that must be there: a step changes rows of it.
    pub(super) fn own_project(
        &self,
        connection: &Connection,
        name: &ProjectName,
    ) -> Result<ProjectId, StoreError> {
        self.project(connection, name)?.ok_or_else(|| {
            damaged(format!("project {name}"), "rows of it change, yet it is not there")
        })
    }

    /// The number of the newest entry of a project's log; 0 before the first.
    pub(super) fn newest(
        &self,
        connection: &Connection,
        project: ProjectId,
    ) -> Result<u64, StoreError> {
        if let Some(n) = self.newest.borrow().get(&project) {
            debug_assert_eq!(*n, log::last(connection, project)?);
            return Ok(*n);
        }
        let n = log::last(connection, project)?;
        remember(&self.newest, project, n);
        Ok(n)
    }

    /// The project's log has got this entry.
    pub(super) fn appended(&self, project: ProjectId, n: u64) {
        remember(&self.newest, project, n);
    }

    /// Whether a context has an entry that is listed. The entry that asks is about to be one.
    pub(super) fn list(
        &self,
        connection: &Connection,
        project: ProjectId,
        context: ContextId,
    ) -> Result<bool, StoreError> {
        if self.listed.borrow().contains_key(&(project, context)) {
            debug_assert!(log::has_listed(connection, project, context)?);
            return Ok(true);
        }
        let has = log::has_listed(connection, project, context)?;
        remember(&self.listed, (project, context), ());
        Ok(has)
    }

    /// Forgets everything: numbers that were given in a transaction are gone with it.
    pub(super) fn forget(&self) {
        self.words.borrow_mut().clear();
        self.projects.borrow_mut().clear();
        self.newest.borrow_mut().clear();
        self.listed.borrow_mut().clear();
    }
}

fn remember<K: std::hash::Hash + Eq, V>(map: &RefCell<HashMap<K, V>>, key: K, value: V) {
    let mut map = map.borrow_mut();
    if map.len() >= REMEMBERED_MAX {
        map.clear();
    }
    map.insert(key, value);
}
