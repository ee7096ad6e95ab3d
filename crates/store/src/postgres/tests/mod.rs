//! The home of a cluster: the contract, and what only a server far away can get wrong.

mod cut;
mod damage;
mod fitness;
mod kill;
mod proxy;
mod server;
mod together;

use postgres::{Client, NoTls};

use crate::testing::Fixture;

use super::{PostgresHome, PostgresReaders};
use server::Server;

/// A home in a schema of its own, on the server of this test binary.
pub(super) struct Postgres {
    pub(super) home: PostgresHome,
    pub(super) reader: PostgresReaders,
    pub(super) connection: String,
}

impl Postgres {
    /// On this server.
    fn on(server: &Server) -> Self {
        let connection = server.schema();
        let (home, reader) = PostgresHome::open(&connection).unwrap();
        Self { home, reader, connection }
    }

    /// A connection besides those of the home.
    pub(super) fn client(&self) -> Client {
        Client::connect(&self.connection, NoTls).unwrap()
    }
}

/// The process of the server that serves this home.
fn process(home: &PostgresHome) -> i32 {
    home.session.first("SELECT pg_backend_pid()", &[]).unwrap().unwrap().get(0)
}

impl Fixture for Postgres {
    type Home = PostgresHome;
    type Reader = PostgresReaders;

    fn fresh() -> Self {
        Self::on(Server::shared())
    }

    fn home(&mut self) -> &mut PostgresHome {
        &mut self.home
    }

    fn reader(&self) -> &PostgresReaders {
        &self.reader
    }
}

mod contract {
    use super::Postgres;

    crate::suite::contract!(Postgres);
}
