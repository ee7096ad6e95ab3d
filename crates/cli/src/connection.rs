//! Which server, and with which token.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use tidegate_client::{Client, Endpoint, Token};

use crate::failure::Failure;

/// Where a server listens unless told otherwise.
const ENDPOINT: &str = "http://127.0.0.1:7070";
/// The environment variable that names the server.
const ENDPOINT_VARIABLE: &str = "TIDEGATE_ENDPOINT";
/// The environment variable that holds the token.
const TOKEN_VARIABLE: &str = "TIDEGATE_API_TOKEN";

/// How to reach the server. There is no `--token`: everybody on a machine sees its arguments.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection (or set TIDEGATE_API_TOKEN)")]
pub(crate) struct Connection {
    /// The server [default: http://127.0.0.1:7070]
    #[arg(long, value_name = "URL", env = ENDPOINT_VARIABLE)]
    pub(crate) endpoint: Option<String>,
    /// A file that holds the token
    #[arg(long, value_name = "FILE", conflicts_with = "data_dir", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// The data directory of a server on this machine: its token, and its address
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
}

impl Connection {
    /// A client for what the arguments, then the environment say.
    pub(crate) fn open(&self) -> Result<Client, Failure> {
        let endpoint: Endpoint = self.endpoint_text()?.parse()?;
        Ok(Client::new(endpoint, self.token()?)?)
    }

    /// What the environment names where no argument does.
    pub(crate) fn endpoint_of_environment() -> Option<String> {
        std::env::var(ENDPOINT_VARIABLE).ok().filter(|text| !text.is_empty())
    }

    fn endpoint_text(&self) -> Result<String, Failure> {
        if let Some(endpoint) = &self.endpoint {
            return Ok(endpoint.clone());
        }
        let Some(directory) = &self.data_dir else { return Ok(ENDPOINT.to_owned()) };
        // A running server leaves its address there.
        match std::fs::read_to_string(directory.join("endpoint")) {
            Ok(text) => Ok(text),
            // Its token is for its own server, not for whoever listens at the usual address.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Failure::NoServer(directory.clone()))
            }
            Err(source) => Err(Failure::Unreadable { path: directory.join("endpoint"), source }),
        }
    }

    fn token(&self) -> Result<Token, Failure> {
        match (&self.token_file, &self.data_dir) {
            (Some(file), _) => token_of(file),
            (None, Some(directory)) => token_of(&directory.join("api-token")),
            (None, None) => match std::env::var(TOKEN_VARIABLE) {
                Ok(text) if !text.is_empty() => Token::new(&text)
                    .map_err(|source| Failure::Token { from: TOKEN_VARIABLE.to_owned(), source }),
                _ => Err(Failure::NoToken),
            },
        }
    }
}

fn token_of(file: &Path) -> Result<Token, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| Failure::Unreadable { path: file.to_owned(), source })?;
    Token::new(&text).map_err(|source| Failure::Token { from: file.display().to_string(), source })
}
