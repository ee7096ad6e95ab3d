//! Lists with filters, in pages.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use crate::contract::StoreError;
use crate::query::{PAGE_MAX, Page};

use super::codec::{signed, unsigned};
use super::keys::ProjectId;

/// The conditions of a list. Their texts are constants of this crate; values are always bound.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition without a value.
    pub(super) fn fixed(&mut self, condition: &str) {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(condition);
    }

    /// Adds a condition with one `?`.
    pub(super) fn bind(&mut self, condition: &str, value: impl Into<Value>) {
        self.fixed(condition);
        self.values.push(value.into());
    }

    /// Adds `column = <the number of this word>`; a word without a number matches nothing.
    pub(super) fn word(&mut self, column: &str, text: &str) {
        let condition = format!("{column} = (SELECT id FROM word WHERE text = ?)");
        self.bind(&condition, text.to_owned());
    }

    /// Adds the range of a project's keys.
    pub(super) fn keys_of(&mut self, column: &str, project: ProjectId) {
        self.fixed(&format!("{column} BETWEEN ? AND ?"));
        self.values.extend([Value::from(project.first()), Value::from(project.last())]);
    }
}

/// A list: `SELECT columns FROM source WHERE conditions ORDER BY order`.
#[derive(Debug)]
pub(super) struct List<'a> {
    pub(super) columns: &'a str,
    /// The table with its index, joined tables left out of the count.
    pub(super) source: &'a str,
    /// Joined for the items only; must not change their number.
    pub(super) join: &'a str,
    pub(super) conditions: Conditions,
    pub(super) order: &'a str,
}

impl List<'_> {
    pub(super) fn count_sql(&self) -> String {
        format!("SELECT count(*) FROM {}{}", self.source, self.conditions.sql)
    }

    pub(super) fn items_sql(&self) -> String {
        let Self { columns, source, join, conditions, order } = self;
        let conditions = &conditions.sql;
        format!(
            "SELECT {columns} FROM {source} {join}{conditions} ORDER BY {order} LIMIT ? OFFSET ?"
        )
    }

    /// How many match in all.
    pub(super) fn count(&self, connection: &Connection) -> Result<u64, StoreError> {
        let values = params_from_iter(&self.conditions.values);
        let n =
            connection.prepare_cached(&self.count_sql())?.query_row(values, |row| row.get(0))?;
        Ok(unsigned(n))
    }

    /// One page; `total` where it is known without counting.
    pub(super) fn page<T>(
        self,
        connection: &Connection,
        total: Option<u64>,
        (offset, limit): (u64, u64),
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let total = total.map_or_else(|| self.count(connection), Ok)?;
        let sql = self.items_sql();
        let mut values = self.conditions.values;
        values.extend([signed(limit.min(PAGE_MAX)), signed(offset)].map(Value::from));
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&values))?;
        let mut items = Vec::new();
        while let Some(row) = rows.next()? {
            items.push(read(row)?);
        }
        Ok(Page::new(items, offset, total))
    }
}
