//! Lists with filters, in pages.

use postgres::Row;
use postgres::types::ToSql;

use crate::codec::{signed, unsigned};
use crate::contract::StoreError;
use crate::query::{PAGE_MAX, Page};

use super::session::{Session, Values, get};

type Value = Box<dyn ToSql + Sync>;

/// The conditions of a list. Their texts are constants of this crate; values are always bound.
#[derive(Default)]
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

    /// Adds a condition on one value, which stands where `?` does.
    pub(super) fn bind(&mut self, condition: &str, value: impl ToSql + Sync + 'static) {
        self.values.push(Box::new(value));
        self.fixed(&condition.replace('?', &format!("${}", self.values.len())));
    }
}

/// A list: `SELECT columns FROM source WHERE conditions ORDER BY order`.
pub(super) struct List {
    pub(super) columns: &'static str,
    pub(super) source: &'static str,
    /// Joined for the items only; must not change their number.
    pub(super) join: &'static str,
    pub(super) conditions: Conditions,
    pub(super) order: &'static str,
}

impl List {
    /// One page.
    pub(super) fn page<T>(
        self,
        session: &Session,
        (offset, limit): (u64, u64),
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let Self { columns, source, join, conditions: Conditions { sql, mut values }, order } =
            self;
        let count = format!("SELECT count(*) FROM {source}{sql}");
        let row = session.first(&count, &borrowed(&values))?;
        let total = row.map(|row| get(&row, 0)).transpose()?.map_or(0, unsigned);
        values.push(Box::new(signed(limit.min(PAGE_MAX))));
        values.push(Box::new(signed(offset)));
        let items = format!(
            "SELECT {columns} FROM {source} {join}{sql} ORDER BY {order} LIMIT ${} OFFSET ${}",
            values.len() - 1,
            values.len()
        );
        let rows = session.query(&items, &borrowed(&values))?;
        let items: Vec<T> = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, offset, total))
    }
}

fn borrowed(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(AsRef::as_ref).collect()
}

/// All rows of a query, each read.
pub(super) fn all<T>(
    session: &Session,
    sql: &str,
    values: Values<'_>,
    read: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    session.query(sql, values)?.iter().map(read).collect()
}

/// The first row of a query, read.
pub(super) fn one<T>(
    session: &Session,
    sql: &str,
    values: Values<'_>,
    read: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    session.first(sql, values)?.as_ref().map(read).transpose()
}
