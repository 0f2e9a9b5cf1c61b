//! A disk that is really full: a small file system in memory, which only root may mount.
#![cfg(all(target_os = "linux", feature = "flex"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::TensorData;
use ognivo_core::report::Report;
use ognivo_core::run::{CHECKPOINT, RunDirectory};
use ognivo_core::train::checkpoint::Checkpoint;
use ognivo_core::train::metrics_log::{MetricsLog, read_metrics};
use ognivo_core::weights::NamedTensors;
use tempfile::TempDir;

/// A file system of 256 KiB; gone when dropped.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// `None`, and a line that says so, where mounting is not allowed.
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(folder.path()).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self { folder });
        }
        eprintln!("skipped: no full disk can be made here (mounting a tmpfs needs root)");
        None
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("run")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.folder.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

fn checkpoint(floats: usize) -> Checkpoint {
    Checkpoint {
        model: NamedTensors::from([("fc.weight".into(), TensorData::new(vec![0.5f32; floats], [floats]))]),
        optimizer: NamedTensors::new(),
        carried: NamedTensors::new(),
        state: serde_json::json!({"floats": floats}),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_checkpoint_that_does_not_fit_leaves_the_earlier_one() {
    let Some(disk) = SmallDisk::mount() else { return };
    let run = RunDirectory::create(disk.path()).unwrap();
    let path = run.file(CHECKPOINT);
    checkpoint(1000).save(&path).unwrap();
    let said = checkpoint(100_000).save(&path).unwrap_err().to_string();
    assert!(said.starts_with(&format!("{}: cannot write: No space left", path.display())), "{said}");
    assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint(1000));
    assert_eq!(names(path.parent().unwrap()), ["last.safetensors"], "nothing of the attempt is left");
    // Two of this size do not fit side by side.
    assert!(checkpoint(50_000).save(&path).is_ok());
    assert!(checkpoint(50_001).save(&path).is_err());
    assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint(50_000));
}

#[test]
fn a_log_ends_with_its_last_whole_record() {
    let Some(disk) = SmallDisk::mount() else { return };
    let run = RunDirectory::create(disk.path()).unwrap();
    let path = run.file("metrics.jsonl");
    let mut log = MetricsLog::create(&path).unwrap();
    let (written, error) =
        (0..).find_map(|step| log.append(step, 0, &[("loss", 0.1)]).err().map(|e| (step, e))).unwrap();
    let said = error.to_string();
    assert!(said.starts_with(&format!("{}: cannot write: No space left", path.display())), "{said}");
    assert_eq!(fs::metadata(&path).unwrap().len(), log.position());
    assert!(fs::read(&path).unwrap().ends_with(b"}\n"));
    assert_eq!(read_metrics(&path).unwrap().len() as u64, written);

    // The same full disk and the files that are written whole.
    let before = names(run.path());
    let report = run.file("report.html");
    let said = Report::new("Digits").write(&report).unwrap_err().to_string();
    assert!(said.contains("report.html: cannot write: No space left"), "{said}");
    let said = run.write_json("config.json", &serde_json::json!({"text": "x".repeat(10_000)})).unwrap_err().to_string();
    assert!(said.contains("config.json: cannot write: No space left"), "{said}");
    assert_eq!(names(run.path()), before);
}
