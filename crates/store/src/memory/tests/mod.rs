//! The home in memory: the contract, and what its disk does to it.

mod crash;

use crate::testing::Fixture;

use super::{MemoryDisk, MemoryHome, MemoryReader};

pub(super) struct Memory {
    pub(super) disk: MemoryDisk,
    pub(super) home: MemoryHome,
    pub(super) reader: MemoryReader,
}

impl Fixture for Memory {
    type Home = MemoryHome;
    type Reader = MemoryReader;

    fn fresh() -> Self {
        let disk = MemoryDisk::new();
        let (home, reader) = MemoryHome::open(&disk).unwrap();
        Self { disk, home, reader }
    }

    fn home(&mut self) -> &mut MemoryHome {
        &mut self.home
    }

    fn reader(&self) -> &MemoryReader {
        &self.reader
    }
}

mod contract {
    use super::Memory;

    crate::suite::contract!(Memory);
}
