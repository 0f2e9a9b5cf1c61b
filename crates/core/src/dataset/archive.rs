//! Unpacks tar.gz and zip archives without trusting them. The zip format is read in `zip.rs`.
//!
//! Refused: absolute names, `..`, names that mean something else on another platform, links, devices, an entry twice,
//! encrypted entries, more entries or bytes than the limits allow. An archive that is refused half way leaves files in
//! the target folder, which the caller throws away.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use tar::EntryType;

use super::zip;
use crate::{Error, Result};

/// How files are packed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Packing {
    /// A gzipped tar file.
    #[serde(rename = "tar.gz")]
    TarGz,
    /// A zip file with stored or deflated entries.
    #[serde(rename = "zip")]
    Zip,
}

impl Packing {
    /// Unpacks the file `archive` into the folder `target`, which exists and is empty. An archive that is refused half way leaves
    /// files there.
    ///
    /// # Errors
    /// [`Error::Format`] for an archive that is damaged, or refused because it would write outside the folder or more than its size
    /// accounts for; [`Error::Io`] if a file cannot be read or written.
    pub fn unpack(self, archive: &Path, target: &Path) -> Result<()> {
        unpack(self, archive, target, LIMITS, &mut |_| {})
    }
}

/// What an archive may hold at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Entries, folders included.
    pub(super) entries: u64,
    /// Unpacked bytes per packed byte, of the archive as a whole.
    pub(super) ratio: u64,
    /// Unpacked bytes that are allowed whatever the ratio.
    pub(super) floor: u64,
}

/// A few times what the largest known sets need: CIFAR-10 as JPEG has 60 000 entries; pen strokes as text shrink to a
/// quarter; a tar file of many small text files shrinks to a fiftieth.
pub(super) const LIMITS: Limits = Limits { entries: 2_000_000, ratio: 200, floor: 64 << 20 };

/// Longest name of an entry, in bytes.
const NAME_BYTES: u64 = 4096;
/// Deepest nesting of folders.
const DEPTH: usize = 32;
/// Longest extended header of a tar entry.
const HEADER_BYTES: u64 = 1 << 20;

/// Unpacks `archive` into the folder `target`, which exists and is empty; tells `each` the number of entries so far.
///
/// # Errors
/// [`Error::Format`] for an archive that is damaged or refused, [`Error::Io`] if a file cannot be read or written.
pub(super) fn unpack(
    packing: Packing,
    archive: &Path,
    target: &Path,
    limits: Limits,
    each: &mut dyn FnMut(u64),
) -> Result<()> {
    let file = File::open(archive).map_err(Error::io(archive, "open"))?;
    let packed = file.metadata().map_err(Error::io(archive, "read"))?.len();
    let bytes = packed.saturating_mul(limits.ratio).max(limits.floor);
    let mut writer = Writer { archive, target, limits, bytes, written: 0, entries: 0, kinds: HashMap::new(), each };
    match packing {
        Packing::TarGz => unpack_tar_gz(BufReader::new(file), &mut writer),
        Packing::Zip => zip::unpack(BufReader::new(file), packed, &mut writer),
    }
}

/// What stands at a path that an archive named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
}

/// Writes entries below `target` and keeps the limits.
pub(super) struct Writer<'a> {
    archive: &'a Path,
    target: &'a Path,
    limits: Limits,
    /// Bytes that may be written in all.
    bytes: u64,
    written: u64,
    entries: u64,
    kinds: HashMap<PathBuf, Kind>,
    each: &'a mut dyn FnMut(u64),
}

impl Writer<'_> {
    pub(super) fn refuse(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        Error::format(self.archive, format!("entry {}", self.entries), found, expected)
    }

    pub(super) fn damaged(&self, error: impl std::fmt::Display) -> Error {
        self.refuse(error.to_string(), "an undamaged archive")
    }

    /// Counts an entry, before it is looked at.
    pub(super) fn count(&mut self) -> Result<()> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(self.refuse("one more entry", format!("at most {}", self.limits.entries)));
        }
        (self.each)(self.entries);
        Ok(())
    }

    /// The path below the target that `name` means; `None` for what an operating system left behind.
    pub(super) fn path(&self, name: &str) -> Result<Option<PathBuf>> {
        let shown = || format!("the name {:?}", name.chars().take(200).collect::<String>());
        let refuse = |expected: &str| Err(self.refuse(shown(), expected));
        if name.len() as u64 > NAME_BYTES {
            return refuse("a shorter name");
        }
        if name.starts_with('/') || name.contains(['\\', ':']) || name.chars().any(char::is_control) {
            return refuse("a relative path of plain characters");
        }
        let mut path = PathBuf::new();
        for part in name.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if part == ".." {
                return refuse("a path that stays inside");
            }
            if part == "__MACOSX" || part == ".DS_Store" {
                return Ok(None);
            }
            path.push(part);
        }
        if path.components().count() > DEPTH {
            return refuse("fewer folders within folders");
        }
        Ok(Some(path))
    }

    /// Makes `path` and the folders above it.
    pub(super) fn folder(&mut self, path: &Path) -> Result<()> {
        for folder in path.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
            match self.kinds.get(folder) {
                Some(Kind::Folder) => break,
                Some(Kind::File) => return Err(self.refuse(format!("folder {}", folder.display()), "no file there")),
                None => self.kinds.insert(folder.to_path_buf(), Kind::Folder),
            };
        }
        let full = self.target.join(path);
        fs::create_dir_all(&full).map_err(Error::io(full, "create"))
    }

    /// Writes the file `path` from `content`.
    pub(super) fn file(&mut self, path: &Path, content: &mut dyn Read) -> Result<()> {
        if let Some(parent) = path.parent() {
            self.folder(parent)?;
        }
        if path.as_os_str().is_empty() || self.kinds.insert(path.to_path_buf(), Kind::File).is_some() {
            return Err(self.refuse(format!("{} again", path.display()), "each name once"));
        }
        let full = self.target.join(path);
        let mut file =
            OpenOptions::new().write(true).create_new(true).open(&full).map_err(Error::io(&full, "create"))?;
        let mut buffer = [0; 64 << 10];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.damaged(error)),
            };
            self.written += count as u64;
            if self.written > self.bytes {
                let expected = format!("at most {} bytes from an archive of this size", self.bytes);
                return Err(self.refuse(format!("{} bytes or more", self.written), expected));
            }
            io::Write::write_all(&mut file, &buffer[..count]).map_err(Error::io(&full, "write"))?;
        }
    }
}

/// Extended headers are read here and not by `tar`, which sets no limit to their length.
fn unpack_tar_gz(packed: impl Read, writer: &mut Writer<'_>) -> Result<()> {
    // A tar file pads each entry; twice the limit on content, and a block or two for each entry, is ample.
    let padding = writer.limits.entries.saturating_mul(2048);
    let plain = MultiGzDecoder::new(packed).take(writer.bytes.saturating_mul(2).saturating_add(padding));
    let mut archive = tar::Archive::new(plain);
    let mut long_name = None;
    for entry in archive.entries().map_err(|error| writer.damaged(error))?.raw(true) {
        writer.count()?;
        let mut entry = entry.map_err(|error| writer.damaged(error))?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::XGlobalHeader => {}
            EntryType::GNULongName => {
                let bytes = read_short(&mut entry, NAME_BYTES).map_err(|error| writer.damaged(error))?;
                long_name = Some(bytes.split(|&byte| byte == 0).next().unwrap_or_default().to_vec());
            }
            EntryType::XHeader => {
                let bytes = read_short(&mut entry, HEADER_BYTES).map_err(|error| writer.damaged(error))?;
                for extension in tar::PaxExtensions::new(&bytes) {
                    let extension = extension.map_err(|error| writer.damaged(error))?;
                    match extension.key_bytes() {
                        b"path" => long_name = Some(extension.value_bytes().to_vec()),
                        b"size" => return Err(writer.refuse("a size in an extended header", "files below 8 GiB")),
                        _ => {}
                    }
                }
            }
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => {
                let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                let name = String::from_utf8(name).map_err(|_| writer.refuse("a name that is not UTF-8", "UTF-8"))?;
                match writer.path(&name)? {
                    None => {}
                    // Old tar files mark a folder by the slash alone.
                    Some(path) if kind == EntryType::Directory || name.ends_with('/') => writer.folder(&path)?,
                    Some(path) => writer.file(&path, &mut entry)?,
                }
            }
            other => return Err(writer.refuse(format!("an entry of kind {other:?}"), "files and folders only")),
        }
    }
    // The checksum of the gzip stream stands at its end, behind the last tar entry.
    let rest = io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|error| writer.damaged(error))?;
    if writer.entries == 0 && rest == 0 { Err(writer.refuse("nothing", "a tar file")) } else { Ok(()) }
}

fn read_short(entry: &mut impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "an extended header that is too long"));
    }
    Ok(bytes)
}
