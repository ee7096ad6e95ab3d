//! The body of a request in a file: it may be large, come slowly, and be compressed.

use std::fs::File;
use std::io::{self, Seek as _, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use flate2::write::GzDecoder;
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;

use super::GitError;

/// How long a client may pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How long it may take in all.
const TIME_MAX: Duration = Duration::from_secs(1800);
/// Pieces of a body that wait for the disk.
const PIECES_MAX: usize = 4;

/// Writes a body to a file. `bytes_max` counts what is unpacked.
pub(super) async fn to_file(
    file: io::Result<File>,
    body: Body,
    headers: &HeaderMap,
    bytes_max: u64,
) -> Result<File, GitError> {
    let packed = match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => false,
        Some(b"gzip" | b"x-gzip") => true,
        Some(_) => {
            let text = "the body is compressed in a way that is not known; use gzip";
            return Err(GitError(StatusCode::UNSUPPORTED_MEDIA_TYPE, text.to_owned()));
        }
    };
    let (pieces, arrived) = mpsc::channel(PIECES_MAX);
    let file = file.map_err(|error| refused(&error, bytes_max))?;
    let written = tokio::task::spawn_blocking(move || write(file, arrived, packed, bytes_max));
    let sent = match tokio::time::timeout(TIME_MAX, send(body, pieces)).await {
        Ok(sent) => sent,
        Err(_) => Err(slow()),
    };
    let written = written.await.map_err(|error| io::Error::other(error.to_string()));
    // What the disk or the limit says comes first: the rest of the body was not even read.
    match (written, sent) {
        (Ok(Err(error)), _) | (Err(error), _) => Err(refused(&error, bytes_max)),
        (_, Err(error)) => Err(error),
        (Ok(Ok(file)), Ok(())) => Ok(file),
    }
}

async fn send(mut body: Body, pieces: mpsc::Sender<Bytes>) -> Result<(), GitError> {
    loop {
        let frame = tokio::time::timeout(PAUSE_MAX, body.frame()).await.map_err(|_| slow())?;
        let Some(frame) = frame else { return Ok(()) };
        let frame = frame.map_err(|error| {
            GitError(StatusCode::BAD_REQUEST, format!("the body broke off: {error}"))
        })?;
        let Ok(piece) = frame.into_data() else { continue };
        if pieces.send(piece).await.is_err() {
            // Whoever writes has given up, and says why.
            return Ok(());
        }
    }
}

fn write(
    file: File,
    mut arrived: mpsc::Receiver<Bytes>,
    packed: bool,
    bytes_max: u64,
) -> io::Result<File> {
    let mut file = Limited { file, left: bytes_max };
    if packed {
        let mut decoder = GzDecoder::new(file);
        while let Some(piece) = arrived.blocking_recv() {
            decoder.write_all(&piece)?;
        }
        file = decoder.finish()?;
    } else {
        while let Some(piece) = arrived.blocking_recv() {
            file.write_all(&piece)?;
        }
    }
    file.file.rewind()?;
    Ok(file.file)
}

/// A file that does not take more than it may.
struct Limited {
    file: File,
    left: u64,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn slow() -> GitError {
    GitError(StatusCode::REQUEST_TIMEOUT, "the body came too slowly; try again".to_owned())
}

fn refused(error: &io::Error, bytes_max: u64) -> GitError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => {
            let text =
                format!("the request is larger than {} MiB; send less at once", bytes_max >> 20);
            GitError(StatusCode::PAYLOAD_TOO_LARGE, text)
        }
        // The last is what comes behind the end of what was compressed.
        io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidData
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::WriteZero => GitError(
            StatusCode::BAD_REQUEST,
            format!("the body is not what it says it is: {error}"),
        ),
        io::ErrorKind::StorageFull => {
            GitError(StatusCode::INSUFFICIENT_STORAGE, "the disk is full".to_owned())
        }
        _ => {
            tracing::error!(%error, "a request of git could not be kept");
            let text = "the server failed to answer; its log says why";
            GitError(StatusCode::INTERNAL_SERVER_ERROR, text.to_owned())
        }
    }
}
