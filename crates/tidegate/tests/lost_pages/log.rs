//! The shim's log.

/// One change, as `struct record` in shim.c.
pub(crate) enum Record<'a> {
    Write { file: u64, offset: u64, bytes: &'a [u8] },
    Resize { file: u64, length: u64 },
    Make { directory: u64, name: &'a [u8], made: u64, mode: u32, content: &'a [u8] },
    Link { directory: u64, name: &'a [u8], target: u64 },
    Remove { directory: u64, name: &'a [u8] },
    Move { directory: u64, name: &'a [u8], to: u64, new: &'a [u8] },
    Mode { file: u64, mode: u32 },
    Sync { of: u64 },
    SyncFailed { of: u64 },
    SyncAll,
}

/// Numbers at the head of a record.
const HEAD: usize = 7;

/// Reads a log from its beginning to its end.
pub(crate) fn read(mut log: &[u8], mut each: impl FnMut(Record<'_>)) {
    while !log.is_empty() {
        let number = |index: usize| {
            let bytes = log[index * 8..][..8].try_into().expect("eight bytes");
            u64::from_ne_bytes(bytes)
        };
        let length = |index| usize::try_from(number(index)).expect("a length");
        let [size, first] = [0, 5].map(length);
        let (first, second) = log[HEAD * 8..size].split_at(first);
        let [kind, inode, target, value] = [1, 2, 3, 4].map(number);
        let mode = u32::try_from(value).unwrap_or_default();
        each(match kind {
            1 => Record::Write { file: inode, offset: value, bytes: first },
            2 => Record::Resize { file: inode, length: value },
            3 => {
                let (name, content) = (first, second);
                Record::Make { directory: inode, name, made: target, mode, content }
            }
            4 => Record::Link { directory: inode, name: first, target },
            5 => Record::Remove { directory: inode, name: first },
            6 => Record::Move { directory: inode, name: first, to: target, new: second },
            7 => Record::Mode { file: inode, mode },
            8 => Record::Sync { of: inode },
            9 => Record::SyncFailed { of: inode },
            10 => Record::SyncAll,
            other => panic!("a record of kind {other}"),
        });
        log = &log[size..];
    }
}
