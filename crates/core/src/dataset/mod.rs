//! Data sets by name: what exists, where it lies on this machine, how it gets there, and that it is what it should be.
//!
//! [`Store::locate`] turns a name from `datasets/index.toml` into a folder that is ready to open. It looks in this order:
//!
//! 1. the sets that ship inside the program;
//! 2. `$OGNIVO_DATA/<name>/`, a folder of files that the user or an administrator put there; it is only read;
//! 3. the cache: `$OGNIVO_CACHE`, else the platform's cache folder;
//! 4. the network: the file is downloaded into the cache.
//!
//! Nothing is used before its SHA-256 agrees with the index. Archives are unpacked into the cache.
//!
//! The format of the index is in [`Dataset`]; `$OGNIVO_INDEX` may name another file in that format, whose sets are added
//! to the built-in ones or replace those of the same name (a mirror in the house, sets of one's own).
//!
//! ```no_run
//! use ognivo_core::dataset::Store;
//!
//! let folder = Store::from_environment()?.locate("mnist", &mut |_| {})?;
//! assert!(folder.join("train-images-idx3-ubyte.gz").is_file());
//! # Ok::<(), ognivo_core::Error>(())
//! ```

mod archive;
mod cache;
pub mod commands;
mod download;
mod index;
mod progress;
mod shipped;
mod store;
#[cfg(test)]
mod tests;
mod zip;

pub use archive::Packing;
pub use cache::folder_from_environment as cache_folder;
pub use index::{DataFile, Dataset, Index};
pub use progress::{Progress, TerminalProgress};
pub use store::{FileState, State, Store};
pub use zip::{StoredFile, stored_files};
