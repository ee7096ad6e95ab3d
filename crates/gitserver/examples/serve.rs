//! Serves the bare repositories below a directory until it is stopped: an upstream to try things with.
//!
//! `cargo run -p tidegate-gitserver --example serve -- DIR REPOSITORY [ADDRESS:PORT]`

use std::net::SocketAddr;
use std::path::PathBuf;

use tidegate_gitserver::{GitServer, Options};

#[allow(clippy::print_stdout, reason = "it says where it listens")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "what to serve? DIR REPOSITORY [ADDRESS:PORT]";
    let directory = PathBuf::from(arguments.next().ok_or(usage)?);
    let repository = arguments.next().ok_or(usage)?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    std::fs::create_dir_all(&directory)?;
    let address: SocketAddr = address.parse()?;
    let server = GitServer::start_on(address, &directory, Options::default())?;
    server.make(&repository, "main");
    println!("{}", server.url(&repository));
    loop {
        std::thread::park();
    }
}
