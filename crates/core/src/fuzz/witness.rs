//! What was being read when the process ended.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::{env, fs, process};

/// A file that holds the input that is read at this moment: a stack that runs over ends the process, which
/// then can say nothing any more. It goes away with this.
pub(super) struct Witness {
    path: PathBuf,
    file: File,
}

impl Witness {
    pub(super) fn new() -> Self {
        let path = env::temp_dir().join(format!("tidegate-fuzz-{}", process::id()));
        println!("fuzz: an input that ends the process stays in {}", path.display());
        Self { file: File::create(&path).unwrap(), path }
    }

    pub(super) fn hold(&self, input: &[u8]) {
        self.file.set_len(0).unwrap();
        self.file.write_all_at(input, 0).unwrap();
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}
