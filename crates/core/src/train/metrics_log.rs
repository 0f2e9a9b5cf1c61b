//! The figures of a run as JSON lines: `metrics.jsonl`.
//!
//! One record a line, `{"step":120,"epoch":1,"train/loss":0.31}`, in the order given. There is no clock in it: an exact
//! resume gives the same bytes as an uninterrupted run. JSON knows no NaN and no infinity, so these are the strings
//! `"NaN"`, `"inf"` and `"-inf"`.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{Error, Result};

/// The longest line that is read, in bytes: thousands of figures.
const LINE_LIMIT: u64 = 1 << 20;

/// Figures of one moment of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Training steps taken.
    pub step: u64,
    /// The epoch these steps are in.
    pub epoch: u64,
    /// Name and value, as `train/loss` and 0.31, in the order they were logged.
    pub values: Vec<(String, f64)>,
}

impl Record {
    /// The figure called `name`.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(own, _)| own == name).map(|&(_, value)| value)
    }
}

/// Appends records to a file, each flushed to the system when it is written.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    position: u64,
}

impl MetricsLog {
    /// Starts an empty log; a file already there is emptied.
    ///
    /// # Errors
    /// The system's, naming the file.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let file = File::create(&path).map_err(Error::io(&path, "create"))?;
        Ok(Self { path, file, position: 0 })
    }

    /// Goes on after the first `position` bytes, as a checkpoint recorded them; what was logged later is cut off.
    ///
    /// # Errors
    /// A file shorter than `position` or without the end of a record there: it is not the log the checkpoint belongs
    /// to, and is left as it is. Otherwise the system's, naming the file.
    pub fn open_at(path: impl AsRef<Path>, position: u64) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let open = OpenOptions::new().read(true).write(true).create(position == 0).truncate(false).open(&path);
        let mut file = open.map_err(Error::io(&path, "open"))?;
        let length = file.metadata().map_err(Error::io(&path, "read"))?.len();
        if length < position {
            let expected = format!("at least the {position} bytes of the checkpoint");
            return Err(Error::format(&path, "end", format!("{length} bytes"), expected));
        }
        if let Some(last) = position.checked_sub(1) {
            let mut byte = [0];
            let read = file.seek(SeekFrom::Start(last)).and_then(|_| file.read_exact(&mut byte));
            read.map_err(Error::io(&path, "read"))?;
            if byte != *b"\n" {
                let found = format!("\"{}\"", byte.escape_ascii());
                return Err(Error::format(&path, format!("byte {last}"), found, "the end of a record"));
            }
        }
        let cut = file.set_len(position).and_then(|()| file.seek(SeekFrom::Start(position)));
        cut.map_err(Error::io(&path, "truncate"))?;
        Ok(Self { path, file, position })
    }

    /// Writes one record.
    ///
    /// # Errors
    /// The system's, naming the file, as on a full disk: then the log ends with the record before. The names `step` and
    /// `epoch`, and a name given twice, are refused.
    pub fn append(&mut self, step: u64, epoch: u64, values: &[(&str, f64)]) -> Result<()> {
        for (index, (name, _)) in values.iter().enumerate() {
            if ["step", "epoch"].contains(name) || values[..index].iter().any(|(other, _)| other == name) {
                return Err(Error::Data(format!("{}: a record cannot hold {name:?} twice", self.path.display())));
            }
        }
        let mut line = serde_json::to_vec(&Line { step, epoch, values })
            .map_err(|error| Error::io(&self.path, "write")(error.into()))?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line).and_then(|()| self.file.flush()) {
            // Half a record may stand there. Should taking it back fail too, the first error is still the one to tell.
            let _ = self.file.set_len(self.position).and_then(|()| self.file.seek(SeekFrom::Start(self.position)));
            return Err(Error::io(&self.path, "write")(error));
        }
        self.position += line.len() as u64;
        Ok(())
    }

    /// Length in bytes: what a checkpoint records for [`open_at`](Self::open_at).
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Waits until the records are on the disk, so that a checkpoint written next never points past the end of the log,
    /// even after a power cut. Returns the [`position`](Self::position).
    ///
    /// # Errors
    /// The system's, naming the file.
    pub fn sync(&mut self) -> Result<u64> {
        self.file.sync_data().map_err(Error::io(&self.path, "write"))?;
        Ok(self.position)
    }
}

/// Reads a log back, from a finished run, a running one or a killed one: a last line that was not written to its end is
/// left out.
///
/// # Errors
/// Any other line that is not a record, with its number; the system's, naming the file.
pub fn read_metrics(path: impl AsRef<Path>) -> Result<Vec<Record>> {
    let path = path.as_ref();
    let mut reader = BufReader::new(File::open(path).map_err(Error::io(path, "read"))?);
    let (mut records, mut line) = (Vec::new(), Vec::new());
    for number in 1_u64.. {
        line.clear();
        let mut rest = reader.by_ref().take(LINE_LIMIT + 1);
        if rest.read_until(b'\n', &mut line).map_err(Error::io(path, "read"))? == 0 {
            break;
        }
        if line.len() as u64 > LINE_LIMIT {
            let expected = format!("at most {LINE_LIMIT} bytes");
            return Err(Error::format(path, format!("line {number}"), "a longer line", expected));
        }
        match serde_json::from_slice(&line) {
            Ok(record) => records.push(record),
            Err(_) if !line.ends_with(b"\n") => break,
            Err(error) => {
                let expected = r#"a record such as {"step":1,"epoch":0,"train/loss":0.5}"#;
                return Err(Error::format(path, format!("line {number}"), error.to_string(), expected));
            }
        }
    }
    Ok(records)
}

/// A record about to be written.
struct Line<'a> {
    step: u64,
    epoch: u64,
    values: &'a [(&'a str, f64)],
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2 + self.values.len()))?;
        map.serialize_entry("step", &self.step)?;
        map.serialize_entry("epoch", &self.epoch)?;
        for (name, value) in self.values {
            match value {
                finite if finite.is_finite() => map.serialize_entry(name, finite)?,
                other => map.serialize_entry(name, &other.to_string())?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with step, epoch and numbers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
                let (mut step, mut epoch, mut values) = (None, None, Vec::new());
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "step" => step = Some(map.next_value()?),
                        "epoch" => epoch = Some(map.next_value()?),
                        _ => values.push((name, map.next_value::<Number>()?.0)),
                    }
                }
                Ok(Record {
                    step: step.ok_or_else(|| de::Error::missing_field("step"))?,
                    epoch: epoch.ok_or_else(|| de::Error::missing_field("epoch"))?,
                    values,
                })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// A number, or one of the three strings for what JSON cannot write.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#"a number, "NaN", "inf" or "-inf""#)
            }

            fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
                Ok(Number(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                match text {
                    "NaN" => Ok(Number(f64::NAN)),
                    "inf" => Ok(Number(f64::INFINITY)),
                    "-inf" => Ok(Number(f64::NEG_INFINITY)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        (folder, path)
    }

    #[test]
    fn writes_these_bytes() {
        let (_folder, path) = scratch();
        let mut log = MetricsLog::create(&path).unwrap();
        log.append(10, 0, &[("train/loss", 0.1), ("rate", 3.0), ("quote \"é\"", -0.0)]).unwrap();
        log.append(20, 1, &[("a", f64::NAN), ("b", f64::INFINITY), ("c", f64::NEG_INFINITY)]).unwrap();
        log.append(u64::MAX, 2, &[]).unwrap();
        let bytes = fs::read(&path).unwrap();
        let expected = concat!(
            "{\"step\":10,\"epoch\":0,\"train/loss\":0.1,\"rate\":3.0,\"quote \\\"é\\\"\":-0.0}\n",
            "{\"step\":20,\"epoch\":1,\"a\":\"NaN\",\"b\":\"inf\",\"c\":\"-inf\"}\n",
            "{\"step\":18446744073709551615,\"epoch\":2}\n",
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        assert_eq!(log.sync().unwrap(), expected.len() as u64);
    }

    #[test]
    fn resumes_to_the_same_bytes() {
        let (_folder, path) = scratch();
        let write = |log: &mut MetricsLog, steps: std::ops::Range<u64>| {
            for step in steps {
                log.append(step, step / 4, &[("loss", 1.0 / (step + 1) as f64)]).unwrap();
            }
        };
        write(&mut MetricsLog::create(&path).unwrap(), 0..10);
        let whole = fs::read(&path).unwrap();

        let mut log = MetricsLog::create(&path).unwrap();
        write(&mut log, 0..6);
        let position = log.position();
        write(&mut log, 6..9);
        drop(log);
        // Killed in the middle of a record.
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"step\":9,\"ep").unwrap();
        let mut log = MetricsLog::open_at(&path, position).unwrap();
        write(&mut log, 6..10);
        assert_eq!(fs::read(&path).unwrap(), whole);
        assert_eq!(log.position(), whole.len() as u64);
    }

    #[test]
    fn a_new_log_can_be_opened_at_its_start() {
        let (_folder, path) = scratch();
        let mut log = MetricsLog::open_at(&path, 0).unwrap();
        log.append(1, 0, &[("x", 1.0)]).unwrap();
        assert_eq!(read_metrics(&path).unwrap().len(), 1);
    }

    #[test]
    fn a_log_of_another_run_is_refused_and_kept() {
        let (_folder, path) = scratch();
        fs::write(&path, "{\"step\":1,\"epoch\":0}\n").unwrap();
        let said = |position| MetricsLog::open_at(&path, position).unwrap_err().to_string();
        let name = path.display();
        assert_eq!(said(30), format!("{name}: end: found 21 bytes; expected at least the 30 bytes of the checkpoint"));
        assert_eq!(said(20), format!("{name}: byte 19: found \"}}\"; expected the end of a record"));
        assert_eq!(fs::read(&path).unwrap().len(), 21);
        fs::remove_file(&path).unwrap();
        assert!(said(21).starts_with(&format!("{name}: cannot open")));
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_another_is_not() {
        let (_folder, path) = scratch();
        let line = "{\"step\":1,\"epoch\":0,\"loss\":\"NaN\",\"count\":7,\"low\":-2}\n";
        for torn in ["", "{", "{\"step\":2,\"epoch\":0,\"loss\":0.1", "\0\0\0\0"] {
            fs::write(&path, format!("{line}{line}{torn}")).unwrap();
            let records = read_metrics(&path).unwrap();
            assert_eq!(records.len(), 2, "{torn}");
            assert!(records[0].value("loss").unwrap().is_nan());
            assert_eq!((records[0].value("count"), records[0].value("low")), (Some(7.0), Some(-2.0)));
            assert_eq!(records[0].value("other"), None);
        }
        for bad in ["", "[]", "{\"epoch\":0}", "{\"step\":-1,\"epoch\":0}", "{\"step\":1,\"epoch\":0,\"x\":\"nan\"}"] {
            fs::write(&path, format!("{line}{bad}\n{line}")).unwrap();
            let said = read_metrics(&path).unwrap_err().to_string();
            assert!(said.starts_with(&format!("{}: line 2: found", path.display())), "{said}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let (_folder, path) = scratch();
        fs::write(&path, ["{\"step\":1,\"epoch\":0}\n".to_owned(), " ".repeat(2 << 20)].concat()).unwrap();
        let said = read_metrics(&path).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{}: line 2: found a longer line", path.display())), "{said}");
    }

    #[test]
    fn names_that_would_clash_are_refused() {
        let (_folder, path) = scratch();
        let mut log = MetricsLog::create(&path).unwrap();
        for values in [&[("step", 1.0)][..], &[("epoch", 1.0)], &[("a", 1.0), ("a", 2.0)]] {
            assert!(log.append(0, 0, values).unwrap_err().to_string().contains("twice"));
        }
        assert_eq!(log.position(), 0);
    }

    /// `/dev/full` answers every write as a full disk does.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let mut log = MetricsLog::create("/dev/full").unwrap();
        let said = log.append(1, 0, &[("x", 1.0)]).unwrap_err().to_string();
        assert!(said.starts_with("/dev/full: cannot write: "), "{said}");
        assert_eq!(log.position(), 0);
    }

    proptest! {
        #[test]
        fn every_number_comes_back(step: u64, epoch: u64, values in prop::collection::vec(any::<f64>(), 0..6)) {
            let (_folder, path) = scratch();
            let names: Vec<_> = (0..values.len()).map(|index| format!("name {index}")).collect();
            let values: Vec<_> = names.iter().map(String::as_str).zip(values).collect();
            MetricsLog::create(&path).unwrap().append(step, epoch, &values).unwrap();
            let records = read_metrics(&path).unwrap();
            prop_assert_eq!((records[0].step, records[0].epoch), (step, epoch));
            for ((name, value), (read_name, read)) in values.iter().zip(&records[0].values) {
                prop_assert_eq!(name, read_name);
                prop_assert!(read == value || (read.is_nan() && value.is_nan()));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (_folder, path) = scratch();
            fs::write(&path, &bytes).unwrap();
            let _ = read_metrics(&path);
        }
    }
}
