//! Finds a data set, or gets it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::cache::{self, Stamp};
use super::download::{self, Patience, Refusals};
use super::index::{DataFile, Dataset, Index};
use super::{Progress, archive, shipped};
use crate::{Error, Result, file};

/// Files outside the cache that are smaller are hashed at every use; it takes a fraction of a second.
const HASHED_EACH_TIME: u64 = 64 << 20;

/// Receives what the store does.
type Listener<'a> = &'a mut dyn FnMut(Progress<'_>);

/// The data sets of an index, and the folders of this machine that may hold them.
#[derive(Clone, Debug)]
pub struct Store {
    index: Index,
    /// Files that others put there; only read.
    data: Option<PathBuf>,
    cache: PathBuf,
    pub(super) patience: Patience,
}

/// Where a data set stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Inside the program.
    Ships,
    /// On this machine.
    Present,
    /// To be downloaded, or got by hand.
    Absent,
}

/// What [`Store::verify`] found about one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Size and SHA-256 are those of the index.
    Good,
    /// Not there.
    Missing,
    /// Another file, or a damaged one.
    Wrong {
        /// Its size or SHA-256.
        found: String,
        /// What the index says.
        expected: String,
    },
}

impl Store {
    /// The built-in index, with the sets of the file `$OGNIVO_INDEX` if that is set; files from `$OGNIVO_DATA`; the
    /// cache in `$OGNIVO_CACHE` or the platform's cache folder.
    ///
    /// # Errors
    /// If `$OGNIVO_INDEX` is not an index, or no cache folder is known.
    pub fn from_environment() -> Result<Self> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let mut index = Index::built_in()?;
        if let Some(path) = variable("OGNIVO_INDEX") {
            index.extend(Index::read(path)?);
        }
        Ok(Self::new(index, variable("OGNIVO_DATA"), cache::folder_from_environment()?))
    }

    /// A store with the given index, folder of files that are only read, and cache folder.
    pub fn new(index: Index, data: Option<PathBuf>, cache: PathBuf) -> Self {
        Self { index, data, cache, patience: Patience::default() }
    }

    /// Adds the sets of another index; one of the same name is replaced.
    pub fn add(&mut self, index: Index) {
        self.index.extend(index);
    }

    /// The data sets it knows.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The folder that holds the data set `name`, which is downloaded, checked and unpacked first if need be.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown name; [`Error::Download`] that says what to do by hand; [`Error::Format`] for a
    /// file in the read-only folder whose checksum is wrong, or an archive that is refused; [`Error::Io`].
    pub fn locate(&self, name: &str, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf> {
        let set = self.index.get(name)?;
        match self.open(set, true, progress)? {
            Some(folder) => Ok(folder),
            // With the network allowed, `open` gives a folder or an error.
            None => Err(Error::Download(format!("{name}: cannot be downloaded"))),
        }
    }

    /// Like [`locate`](Self::locate), but without the network: `None` if the set is not on this machine.
    ///
    /// # Errors
    /// As [`locate`](Self::locate), except for downloads.
    pub fn find(&self, name: &str, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Option<PathBuf>> {
        self.open(self.index.get(name)?, false, progress)
    }

    /// Where `set` stands, by the names and sizes of files alone.
    pub fn state(&self, set: &Dataset) -> State {
        if set.ships {
            State::Ships
        } else if self.unpacked(set).is_some() || self.folder_with_files(set).is_some() {
            State::Present
        } else {
            State::Absent
        }
    }

    /// Hashes every file of `set`, whatever is remembered about it: its path and what was found.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read, or the files of a set that ships cannot be written to the cache.
    pub fn verify(&self, set: &Dataset, progress: Listener<'_>) -> Result<Vec<(PathBuf, FileState)>> {
        if set.ships {
            self.open(set, false, progress)?;
        }
        let folder = self.folder_with_files(set).unwrap_or_else(|| self.cached(set));
        let mut states = Vec::new();
        for file in &set.files {
            let path = folder.join(&file.name);
            let state = check(file, &path, None, progress)?;
            states.push((path, state));
        }
        Ok(states)
    }

    fn open(&self, set: &Dataset, network: bool, progress: Listener<'_>) -> Result<Option<PathBuf>> {
        if let Some(folder) = self.unpacked(set) {
            return Ok(Some(folder));
        }
        let outside = self.outside(set).filter(|folder| !set.ships && complete(set, folder, |_, _| true));
        let (folder, _lock) = match outside {
            Some(folder) => {
                self.check_outside(set, &folder, progress)?;
                (folder, None)
            }
            None => {
                let folder = self.cached(set);
                if !set.is_packed() && complete(set, &folder, |file, path| self.remembered(set, file, path)) {
                    return Ok(Some(folder));
                }
                if !(network || set.ships || complete(set, &folder, |_, _| true)) {
                    return Ok(None);
                }
                let lock = self.lock(set, progress)?;
                for file in &set.files {
                    self.obtain(set, file, network, progress)?;
                }
                (folder, Some(lock))
            }
        };
        if !set.is_packed() {
            return Ok(Some(folder));
        }
        let _lock = match _lock {
            Some(lock) => lock,
            None => self.lock(set, progress)?,
        };
        self.unpack(set, &folder, progress).map(Some)
    }

    /// Checks the files of a folder that is not ours; a wrong one is reported, not replaced.
    fn check_outside(&self, set: &Dataset, folder: &Path, progress: Listener<'_>) -> Result<()> {
        for file in &set.files {
            let path = folder.join(&file.name);
            let stamp = Some(self.stamp(set, file)).filter(|_| file.bytes >= HASHED_EACH_TIME);
            match check(file, &path, stamp.as_deref(), progress)? {
                FileState::Good => {}
                FileState::Missing => return Err(Error::io(path, "read")(io::ErrorKind::NotFound.into())),
                FileState::Wrong { found, expected } => {
                    let expected = format!("{expected} (replace or remove the file)");
                    return Err(Error::format(path, format!("file of data set {}", set.name), found, expected));
                }
            }
        }
        Ok(())
    }

    /// Brings a file into the cache, checked.
    fn obtain(&self, set: &Dataset, file: &DataFile, network: bool, progress: Listener<'_>) -> Result<()> {
        let path = self.cached(set).join(&file.name);
        let stamp = self.stamp(set, file);
        let state = check(file, &path, Some(&stamp), progress)?;
        if state == FileState::Good {
            return Ok(());
        }
        let embedded = shipped::files(&set.name).filter(|_| set.ships).unwrap_or_default();
        if let Some((_, content)) = embedded.iter().find(|(name, _)| *name == file.name) {
            cache::write(&path, content).map_err(hint_at_cache)?;
        } else if network && !file.urls.is_empty() {
            let part = cache::beside(&self.bookkeeping(set).join(&file.name), ".part");
            if let Err(refusals) = download::download(file, &part, self.patience, progress).map_err(hint_at_cache)? {
                return Err(self.by_hand(set, file, &refusals, &state));
            }
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
            }
            fs::rename(&part, &path).map_err(Error::io(&path, "create"))?;
        } else {
            return Err(self.by_hand(set, file, &Refusals::new(), &state));
        }
        let metadata = fs::metadata(&path).map_err(Error::io(&path, "read"))?;
        if let Some(new) = Stamp::new(&path, &metadata, &file.sha256) {
            new.write(&stamp);
        }
        Ok(())
    }

    /// Why a file could not be had, and what the user can do about it.
    fn by_hand(&self, set: &Dataset, file: &DataFile, refusals: &Refusals, state: &FileState) -> Error {
        let mut text = format!("{}: {} could not be had", set.name, file.name);
        for (url, reason) in refusals {
            text += &format!("\n  {url}: {reason}");
        }
        if let FileState::Wrong { found, expected } = state {
            let path = self.cached(set).join(&file.name);
            text += &format!("\n  {}: found {found}; expected {expected}", path.display());
        }
        let how = match (&set.manual, file.urls.first()) {
            (Some(manual), _) => format!("{manual} Home page: {}", set.home),
            (None, Some(url)) => format!("download {url} (home page: {})", set.home),
            (None, None) => format!("see {}", set.home),
        };
        let DataFile { name, bytes, sha256, .. } = file;
        let size = if *bytes == 0 { String::new() } else { format!("{bytes} bytes, ") };
        let folder = self.cached(set);
        Error::Download(format!(
            "{text}\nBy hand: {how}\nThe file {name} ({size}sha256 {sha256}) belongs into the folder {}; then run \
             the command again.",
            folder.display()
        ))
    }

    /// Unpacks the archives of `set` from `folder` into the cache. The lock is held.
    fn unpack(&self, set: &Dataset, folder: &Path, progress: Listener<'_>) -> Result<PathBuf> {
        // Another process may have done it while this one waited for the lock.
        if let Some(folder) = self.unpacked(set) {
            return Ok(folder);
        }
        let target = self.unpack_target(set);
        let temporary = self.cached(set).join(format!("unpacking-{}", std::process::id()));
        self.remove_leftovers(set)?;
        fs::create_dir_all(&temporary).map_err(Error::io(&temporary, "create")).map_err(hint_at_cache)?;
        let mut unpack_all = || {
            for file in &set.files {
                let Some(packing) = file.unpack else { continue };
                let each = &mut |entries| progress(Progress::Unpack { file: &file.name, entries });
                archive::unpack(packing, &folder.join(&file.name), &temporary, archive::LIMITS, each)?;
            }
            if !temporary.join(&set.folder).is_dir() {
                let path = folder.join(set.files.first().map_or("", |file| &file.name));
                return Err(Error::format(path, "content", "no such folder", format!("the folder {}", set.folder)));
            }
            fs::rename(&temporary, &target).map_err(Error::io(&target, "create"))
        };
        let result = unpack_all();
        if result.is_err() {
            let _ = fs::remove_dir_all(&temporary);
        }
        result.map(|()| data_below(target, set))
    }

    /// Removes what an unpacking that was killed left behind. The lock is held.
    fn remove_leftovers(&self, set: &Dataset) -> Result<()> {
        let Ok(entries) = fs::read_dir(self.cached(set)) else { return Ok(()) };
        for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("unpacking-")) {
            fs::remove_dir_all(entry.path()).map_err(Error::io(entry.path(), "remove"))?;
        }
        Ok(())
    }

    /// The data of a packed set, if it is unpacked.
    fn unpacked(&self, set: &Dataset) -> Option<PathBuf> {
        Some(data_below(self.unpack_target(set), set)).filter(|folder| set.is_packed() && folder.is_dir())
    }

    /// Named after the archives' checksums, so that new archives never meet old content.
    fn unpack_target(&self, set: &Dataset) -> PathBuf {
        let mut hasher = Sha256::new();
        for file in &set.files {
            hasher.update(&file.sha256);
        }
        let digest = file::hex(&hasher.finalize()[..8]);
        self.cached(set).join(format!("unpacked-{digest}"))
    }

    /// The folder that holds all files of `set` in their right sizes.
    fn folder_with_files(&self, set: &Dataset) -> Option<PathBuf> {
        let sized = |file: &DataFile, path: &Path| fs::metadata(path).is_ok_and(|found| file.has_length(found.len()));
        let outside = self.outside(set).filter(|_| !set.ships);
        outside.into_iter().chain([self.cached(set)]).find(|folder| complete(set, folder, sized))
    }

    fn outside(&self, set: &Dataset) -> Option<PathBuf> {
        self.data.as_ref().map(|data| data.join(&set.name))
    }

    fn cached(&self, set: &Dataset) -> PathBuf {
        self.cache.join(&set.name)
    }

    fn bookkeeping(&self, set: &Dataset) -> PathBuf {
        self.cache.join(".store").join(&set.name)
    }

    fn stamp(&self, set: &Dataset, file: &DataFile) -> PathBuf {
        cache::beside(&self.bookkeeping(set).join(&file.name), ".stamp")
    }

    fn remembered(&self, set: &Dataset, file: &DataFile, path: &Path) -> bool {
        let stamp = fs::metadata(path).ok().and_then(|metadata| Stamp::new(path, &metadata, &file.sha256));
        stamp.is_some_and(|stamp| stamp.agrees_with(&self.stamp(set, file)))
    }

    fn lock(&self, set: &Dataset, progress: Listener<'_>) -> Result<File> {
        let path = self.bookkeeping(set).join("lock");
        cache::lock(&path, || progress(Progress::Waiting { set: &set.name })).map_err(hint_at_cache)
    }
}

/// The folder of the data, below the place where the archives are unpacked.
fn data_below(unpacked: PathBuf, set: &Dataset) -> PathBuf {
    // Joining an empty path would add a slash at the end.
    if set.folder.is_empty() { unpacked } else { unpacked.join(&set.folder) }
}

/// Whether `folder` has all files of `set`, and `good` holds for each.
fn complete(set: &Dataset, folder: &Path, good: impl Fn(&DataFile, &Path) -> bool) -> bool {
    set.files.iter().all(|file| {
        let path = folder.join(&file.name);
        path.is_file() && good(file, &path)
    })
}

/// Compares a file with the index; with a stamp file, what that remembers is believed, and kept up to date.
fn check(file: &DataFile, path: &Path, stamp: Option<&Path>, progress: Listener<'_>) -> Result<FileState> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata,
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(path, "read")(error)),
        _ => return Ok(FileState::Missing),
    };
    if !file.has_length(metadata.len()) {
        let (found, expected) = (format!("{} bytes", metadata.len()), format!("{} bytes", file.bytes));
        return Ok(FileState::Wrong { found, expected });
    }
    let good = Stamp::new(path, &metadata, &file.sha256);
    let remembered = stamp.zip(good.as_ref());
    if remembered.is_some_and(|(at, good)| good.agrees_with(at)) {
        return Ok(FileState::Good);
    }
    let (name, total) = (file.name.as_str(), metadata.len());
    let found = cache::sha256(path, &mut |done| progress(Progress::Check { file: name, done, total }))?;
    if !found.starts_with(&file.sha256) {
        let (found, expected) = (format!("sha256 {found}"), format!("sha256 {}", file.sha256));
        return Ok(FileState::Wrong { found, expected });
    }
    if let Some((at, good)) = remembered {
        good.write(at);
    }
    Ok(FileState::Good)
}

/// Adds the way out to an error about a cache folder that cannot be written.
fn hint_at_cache(error: Error) -> Error {
    match error {
        Error::Io { path, action, cause } => {
            let cause = io::Error::new(cause.kind(), format!("{cause} (OGNIVO_CACHE can name another folder)"));
            Error::Io { path, action, cause }
        }
        other => other,
    }
}
