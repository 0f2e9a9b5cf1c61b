//! TensorBoard's event files: `events.out.tfevents.<time>.<host>`.
//!
//! A file is a sequence of TFRecords, each framed as length, checksum of the length, data, checksum of the data; the data
//! is an `Event` message in protobuf's wire format, of which the few fields needed here are written by hand. Formats:
//! TensorFlow's `record_writer.h`, `event.proto` and `summary.proto`.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::data::{Image, picture};
use crate::{Error, Result};

/// Writes one event file. Every start of a run gets a file of its own; TensorBoard reads all in a folder as one run.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: File,
}

impl EventWriter {
    /// Starts a new event file in `folder`.
    ///
    /// A resumed run gives the first step it will take again as `restart_at`: TensorBoard then forgets what earlier files
    /// say of that step and later ones.
    ///
    /// # Errors
    /// The system's, naming the file.
    pub fn create(folder: impl AsRef<Path>, restart_at: Option<u64>) -> Result<Self> {
        let now = since_1970();
        let (path, file) = new_file(folder.as_ref(), now.as_secs(), &host())?;
        let mut writer = Self { path, file };
        let mut bytes = frame(&file_version(now.as_secs_f64()));
        if let Some(step) = restart_at {
            bytes.extend(frame(&session_start(now.as_secs_f64(), step)));
        }
        writer.write(&bytes)?;
        Ok(writer)
    }

    /// Writes one point on each of the curves `(tag, value)`; TensorBoard keeps them as `f32`.
    ///
    /// # Errors
    /// The system's, naming the file.
    pub fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        self.write(&frame(&scalars(since_1970().as_secs_f64(), step, values)))
    }

    /// Writes a picture under `tag`, as samples of a generator at one step.
    ///
    /// # Errors
    /// An image whose pixels do not fit its size; the system's, naming the file.
    pub fn image(&mut self, step: u64, tag: &str, image: &Image) -> Result<()> {
        let png = picture::encode_png(image)?;
        self.write(&frame(&image_summary(since_1970().as_secs_f64(), step, tag, image, &png)))
    }

    /// The file written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).and_then(|()| self.file.flush()).map_err(Error::io(&self.path, "write"))
    }
}

/// A file that was not there before. Two starts in one second get two files, in order.
fn new_file(folder: &Path, seconds: u64, host: &str) -> Result<(PathBuf, File)> {
    for repeat in 0_u32.. {
        let suffix = if repeat == 0 { String::new() } else { format!(".{repeat}") };
        let path = folder.join(format!("events.out.tfevents.{seconds:010}.{host}{suffix}"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            opened => return Ok((path.clone(), opened.map_err(Error::io(&path, "create"))?)),
        }
    }
    Err(Error::io(folder, "create an event file in")(ErrorKind::AlreadyExists.into()))
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// This machine's name, as far as it can stand in a file name.
fn host() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = kernel.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    let plain = |character: &char| character.is_ascii_alphanumeric() || ['-', '_', '.'].contains(character);
    let name: String = named.unwrap_or_default().chars().filter(plain).take(64).collect();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

/// `Event { wall_time, file_version: "brain.Event:2" }`, which must come first in a file.
fn file_version(wall_time: f64) -> Vec<u8> {
    let mut event = event(wall_time, 0);
    bytes_field(&mut event, 3, b"brain.Event:2");
    event
}

/// `Event { wall_time, step, session_log { status: START } }`.
fn session_start(wall_time: f64, step: u64) -> Vec<u8> {
    let mut log = Vec::new();
    varint_field(&mut log, 1, 1);
    let mut event = event(wall_time, step);
    bytes_field(&mut event, 7, &log);
    event
}

/// `Event { wall_time, step, summary { value { tag, simple_value } ... } }`.
fn scalars(wall_time: f64, step: u64, values: &[(&str, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in values {
        let mut entry = Vec::new();
        bytes_field(&mut entry, 1, tag.as_bytes());
        key(&mut entry, 2, 5);
        entry.extend((*value as f32).to_le_bytes());
        bytes_field(&mut summary, 1, &entry);
    }
    let mut event = event(wall_time, step);
    bytes_field(&mut event, 5, &summary);
    event
}

/// `Event { wall_time, step, summary { value { tag, image { height, width, colorspace, encoded_image_string } } } }`.
fn image_summary(wall_time: f64, step: u64, tag: &str, image: &Image, png: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    varint_field(&mut encoded, 1, image.height as u64);
    varint_field(&mut encoded, 2, image.width as u64);
    varint_field(&mut encoded, 3, image.channels as u64);
    bytes_field(&mut encoded, 4, png);
    let (mut value, mut summary) = (Vec::new(), Vec::new());
    bytes_field(&mut value, 1, tag.as_bytes());
    bytes_field(&mut value, 4, &encoded);
    bytes_field(&mut summary, 1, &value);
    let mut event = event(wall_time, step);
    bytes_field(&mut event, 5, &summary);
    event
}

/// The fields every event has: `wall_time` in seconds since 1970 and, where it is not 0, `step`.
fn event(wall_time: f64, step: u64) -> Vec<u8> {
    let mut event = Vec::new();
    key(&mut event, 1, 1);
    event.extend(wall_time.to_le_bytes());
    if step > 0 {
        // The field is a signed 64-bit number.
        varint_field(&mut event, 2, step.min(i64::MAX as u64));
    }
    event
}

/// Protobuf's field key: number and wire type (0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes).
fn key(message: &mut Vec<u8>, field: u8, wire_type: u8) {
    message.push((field << 3) | wire_type);
}

fn bytes_field(message: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    key(message, field, 2);
    varint(message, bytes.len() as u64);
    message.extend(bytes);
}

fn varint_field(message: &mut Vec<u8>, field: u8, value: u64) {
    key(message, field, 0);
    varint(message, value);
}

/// Seven bits a byte, lowest first, the top bit set on all but the last.
fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// A TFRecord.
fn frame(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked_crc(&length), data, &masked_crc(data)].concat()
}

/// TFRecord's checksum: CRC-32C, rotated and shifted so that a checksum of data that holds checksums stays sound.
fn masked_crc(data: &[u8]) -> [u8; 4] {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::hex;

    /// The bytes that TensorBoard's own protobuf classes and record writer make: tests/reference/tensorboard_events.py.
    #[test]
    fn bytes_equal_the_reference() {
        let time = 1_700_000_000.25;
        assert_eq!(hex(&frame(&file_version(time))), FILE_VERSION);
        assert_eq!(hex(&frame(&session_start(time, 301))), SESSION_START);
        assert_eq!(hex(&frame(&scalars(time, 300, &[("train/loss", 0.1), ("é", f64::INFINITY)]))), SCALARS);
        let image = Image { width: 2, height: 3, channels: 1, pixels: vec![0, 50, 100, 150, 200, 250] };
        assert_eq!(hex(&frame(&image_summary(time, 0, "samples", &image, b"not really png"))), PICTURE);
    }

    #[test]
    fn varints_by_hand() {
        for (value, expected) in
            [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (u64::MAX, "ffffffffffffffffff01")]
        {
            let mut bytes = Vec::new();
            varint(&mut bytes, value);
            assert_eq!(hex(&bytes), expected);
        }
    }

    #[test]
    fn each_start_has_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (first, _) = new_file(folder.path(), 12, "host").unwrap();
        let (second, _) = new_file(folder.path(), 12, "host").unwrap();
        assert!(first.ends_with("events.out.tfevents.0000000012.host"));
        assert!(second.ends_with("events.out.tfevents.0000000012.host.1"));

        let mut writer = EventWriter::create(folder.path(), Some(5)).unwrap();
        writer.scalars(5, &[]).unwrap();
        let head = std::fs::read(writer.path()).unwrap();
        assert_eq!(head.len(), FILE_VERSION.len() / 2 + 16 + 9 + 2 + 4);
        writer.scalars(5, &[("x", 1.0)]).unwrap();
        assert!(std::fs::read(writer.path()).unwrap().len() > head.len());
    }

    #[test]
    fn an_error_names_the_folder() {
        let missing = Path::new("no such folder");
        let said = EventWriter::create(missing, None).unwrap_err().to_string();
        assert!(said.starts_with("no such folder") && said.contains("cannot create"), "{said}");
    }

    const FILE_VERSION: &str = "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9";
    const SESSION_START: &str = "100000000000000095fbfe180900001040fc54d94110ad023a020801cb79b93b";
    const SCALARS: &str = concat!(
        "2c00000000000000f4aecc450900001040fc54d94110ac022a1e0a110a0a747261696e2f6c6f737315cdcccc3d0a090a",
        "02c3a9150000807f9ff209f4",
    );
    const PICTURE: &str = concat!(
        "2e00000000000000c5cb57fa0900001040fc54d9412a230a210a0773616d706c65732216080310021801220e6e6f7420",
        "7265616c6c7920706e6755fb4d21",
    );
}
