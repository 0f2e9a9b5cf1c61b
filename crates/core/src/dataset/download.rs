//! Downloads a file of the index: resumes, retries, turns to mirrors, and accepts nothing but the expected bytes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body, Timeout};

use super::index::DataFile;
use super::{Progress, cache};
use crate::{Error, Result};

/// How patient a download is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Attempts at one address that bring nothing new, until the next address is tried.
    pub(super) attempts: u32,
    /// Wait after the first failed attempt; doubled after each further one.
    pub(super) first_wait: Duration,
    /// Longest wait that a server may ask for.
    pub(super) longest_wait: Duration,
    /// Longest silence of a server.
    pub(super) silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            silence: Duration::from_secs(30),
        }
    }
}

/// An attempt that brought this much is not counted as failed: the connection is bad, but it does get on.
const GETS_ON: u64 = 1 << 20;

/// The longest file that is fetched where the index does not say how long it is.
const LONGEST: u64 = 8 << 30;

/// Addresses that did not give the file, each with the reason.
pub(super) type Refusals = Vec<(String, String)>;

/// How one attempt at one address ended.
enum Attempt {
    /// All bytes are there.
    Complete,
    /// Worth trying again, after the time the server asked for.
    Broken { reason: String, wait: Option<Duration> },
    /// Not worth trying again.
    Useless(String),
}

/// Downloads `file` to `part`, going on where an earlier download stopped. On success `part` is whole and checked.
///
/// The inner result is `Err` if no address gave the file.
///
/// # Errors
/// [`Error::Io`] or [`Error::Download`] if this machine is at fault: a full disk, a folder that cannot be written.
pub(super) fn download(
    file: &DataFile,
    part: &Path,
    patience: Patience,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Result<(), Refusals>> {
    if let Some(folder) = part.parent() {
        fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
    }
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("ognivo/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(patience.silence))
        .timeout_connect(Some(patience.silence))
        .timeout_recv_response(Some(patience.silence))
        .timeout_per_read(Some(patience.silence))
        .build()
        .into();
    let mut refusals = Refusals::new();
    for url in &file.urls {
        let mut from =
            Source { agent: &agent, url, file, part, patience, total: file.bytes, resumed: false, validator: None };
        match from.exhaust(progress)? {
            Ok(()) => return Ok(Ok(())),
            Err(reason) => refusals.push((url.clone(), reason)),
        }
    }
    Ok(Err(refusals))
}

/// One address, and what is known about the download from it.
struct Source<'a> {
    agent: &'a Agent,
    url: &'a str,
    file: &'a DataFile,
    part: &'a Path,
    patience: Patience,
    /// Bytes of the whole file; 0 until the server tells, where the index does not.
    total: u64,
    /// Whether the part was not received in one piece.
    resumed: bool,
    /// What the server calls this version of the file, for `If-Range`.
    validator: Option<String>,
}

impl Source<'_> {
    /// Tries until the file is there and right, or nothing more can be hoped for; then the reason.
    fn exhaust(&mut self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Result<(), String>> {
        let (mut failures, mut started_anew) = (0, false);
        loop {
            let before = self.received()?;
            let (reason, wait) = match self.attempt(progress)? {
                Attempt::Useless(reason) => return Ok(Err(reason)),
                Attempt::Broken { reason, wait } => (reason, wait),
                Attempt::Complete => {
                    let found = self.checksum(progress)?;
                    if found.starts_with(&self.file.sha256) {
                        return Ok(Ok(()));
                    }
                    self.discard()?;
                    let reason = format!("sha256 {found}; expected {}", self.file.sha256);
                    // What was kept from an earlier attempt may be to blame, so once more from the start.
                    if !self.resumed || started_anew {
                        return Ok(Err(reason));
                    }
                    started_anew = true;
                    (reason, Some(Duration::ZERO))
                }
            };
            failures = if self.received()? >= before.saturating_add(GETS_ON) { 1 } else { failures + 1 };
            if failures >= self.patience.attempts {
                return Ok(Err(format!("{reason} ({failures} attempts)")));
            }
            let wait = wait.unwrap_or(self.patience.first_wait.saturating_mul(1 << (failures - 1).min(16)));
            if wait > self.patience.longest_wait {
                return Ok(Err(format!("{reason}, to be tried again in {} s", wait.as_secs())));
            }
            progress(Progress::Retry { url: self.url, reason: &reason, wait });
            std::thread::sleep(wait);
        }
    }

    fn attempt(&mut self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Attempt> {
        let mut total = self.total;
        let mut offset = self.received()?;
        if offset > total && total > 0 {
            self.discard()?;
            offset = 0;
        }
        self.resumed = offset > 0;
        if offset == total && total > 0 {
            return Ok(Attempt::Complete);
        }
        let mut request = self.agent.get(self.url);
        if offset > 0 {
            request = request.header("Range", format!("bytes={offset}-"));
            if let Some(validator) = &self.validator {
                request = request.header("If-Range", validator);
            }
        }
        let response = match request.call() {
            Ok(response) => response,
            Err(error) => return Ok(unanswered(error)),
        };
        match response.status() {
            StatusCode::OK => offset = 0,
            StatusCode::PARTIAL_CONTENT => match content_range(response.headers()) {
                Some((start, _)) if start != offset => {
                    return Ok(Attempt::Useless(format!("sends from byte {start}; asked for byte {offset}")));
                }
                Some((_, Some(length))) if length != total && total > 0 => return Ok(wrong_length(length, total)),
                _ => {}
            },
            StatusCode::RANGE_NOT_SATISFIABLE if offset > 0 => {
                self.discard()?;
                return Ok(Attempt::Broken { reason: "refuses to go on".into(), wait: Some(Duration::ZERO) });
            }
            status => return Ok(refused(status, response.headers())),
        }
        let told = response.body().content_length().map(|length| offset.saturating_add(length));
        if total == 0 && self.file.bytes == 0 {
            match told {
                Some(length) if length <= LONGEST => total = length,
                Some(length) => {
                    return Ok(Attempt::Useless(format!("sends {length} bytes; expected at most {LONGEST}")));
                }
                None => return Ok(Attempt::Useless("does not tell the length of the file".into())),
            }
            self.total = total;
        }
        if let Some(length) = told.filter(|length| *length != total) {
            return Ok(wrong_length(length, total));
        }
        self.validator = validator(response.headers());
        self.resumed = offset > 0;
        self.receive(response, offset, progress)
    }

    /// Writes the body behind the first `offset` bytes of the part.
    fn receive(
        &self,
        response: Response<Body>,
        mut offset: u64,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Attempt> {
        let total = self.total;
        let mut options = OpenOptions::new();
        // A part is cut off only when its beginning comes anew.
        let options = if offset > 0 { options.append(true) } else { options.write(true).create(true).truncate(true) };
        let mut part = options.open(self.part).map_err(Error::io(self.part, "create"))?;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 64 << 10];
        loop {
            progress(Progress::Download { file: &self.file.name, url: self.url, received: offset, total });
            match body.read(&mut buffer) {
                Ok(0) if offset == total => {
                    part.sync_all().map_err(|error| self.cannot_write(error))?;
                    return Ok(Attempt::Complete);
                }
                Ok(0) => {
                    return Ok(Attempt::Broken {
                        reason: format!("ended after {offset} of {total} bytes"),
                        wait: None,
                    });
                }
                Ok(count) => {
                    offset += count as u64;
                    if offset > total {
                        drop(part);
                        self.discard()?;
                        return Ok(Attempt::Useless(format!("sends more than the {total} bytes expected")));
                    }
                    part.write_all(&buffer[..count]).map_err(|error| self.cannot_write(error))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let reason = format!("broke off after {offset} of {total} bytes: {error}");
                    return Ok(Attempt::Broken { reason, wait: None });
                }
            }
        }
    }

    /// Bytes of the part.
    fn received(&self) -> Result<u64> {
        match fs::metadata(self.part) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(Error::io(self.part, "read")(error)),
        }
    }

    fn discard(&self) -> Result<()> {
        match fs::remove_file(self.part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(self.part, "remove")(error)),
            _ => Ok(()),
        }
    }

    fn checksum(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<String> {
        if self.total == 0 && !self.part.exists() {
            File::create(self.part).map_err(Error::io(self.part, "create"))?;
        }
        let (file, total) = (self.file.name.as_str(), self.total);
        cache::sha256(self.part, &mut |done| progress(Progress::Check { file, done, total }))
    }

    fn cannot_write(&self, error: io::Error) -> Error {
        if error.kind() != io::ErrorKind::StorageFull {
            return Error::io(self.part, "write")(error);
        }
        Error::Download(format!(
            "{}: the disk is full; {} needs {} bytes. Free some space or set OGNIVO_CACHE to a folder on another disk, \
             and run the command again: it goes on where it stopped",
            self.part.display(),
            self.file.name,
            self.total
        ))
    }
}

fn wrong_length(found: u64, expected: u64) -> Attempt {
    Attempt::Useless(format!("its file has {found} bytes; expected {expected}"))
}

/// A request that got no answer. What tells that nobody is there is not tried again: the next address may be quicker.
fn unanswered(error: ureq::Error) -> Attempt {
    let again = match &error {
        ureq::Error::Io(error) => {
            !matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::InvalidData)
        }
        ureq::Error::Timeout(phase) => !matches!(phase, Timeout::Resolve | Timeout::Connect),
        ureq::Error::Protocol(_) => true,
        _ => false,
    };
    let reason = error.to_string();
    if again { Attempt::Broken { reason, wait: None } } else { Attempt::Useless(reason) }
}

/// An answer that is not the file.
fn refused(status: StatusCode, headers: &HeaderMap) -> Attempt {
    let reason = format!("HTTP {status}");
    match status.as_u16() {
        408 | 425 | 429 | 500 | 502 | 503 | 504 => {
            let seconds = header(headers, "retry-after").and_then(|text| text.trim().parse().ok());
            Attempt::Broken { reason, wait: seconds.map(Duration::from_secs) }
        }
        _ => Attempt::Useless(reason),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// First byte and, if told, length of the whole file from `Content-Range: bytes 5-9/10` (RFC 9110, section 14.4).
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (range, length) = header(headers, "content-range")?.trim().strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.trim().parse().ok()?, length.trim().parse().ok()))
}

/// A strong validator of the version that is being sent (RFC 9110, section 13.1.5).
fn validator(headers: &HeaderMap) -> Option<String> {
    let tag = header(headers, "etag").filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| header(headers, "last-modified")).map(str::to_owned)
}
