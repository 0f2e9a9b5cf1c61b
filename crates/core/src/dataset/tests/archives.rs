//! Archives: sound ones, ones that mean harm, damaged ones.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use tar::{EntryType, Header};

use super::common::{allocation::peak, mutate::for_each_mutant};
use super::server::Server;
use super::{Bench, Promise};
use crate::dataset::archive::{LIMITS, Limits, unpack};
use crate::dataset::{Packing, Progress};

/// One entry of a tar file; the name is written as it is, which `tar::Builder` would refuse for the bad ones.
fn tar_entry(kind: EntryType, name: &[u8], link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut entry = [header.as_bytes().as_slice(), content].concat();
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    tar_entry(EntryType::Regular, name.as_bytes(), b"", content)
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn tar_gz(entries: &[Vec<u8>]) -> Vec<u8> {
    gzip(&[entries.concat(), vec![0; 1024]].concat())
}

/// A zip file with deflated entries: name, content and Unix mode.
fn zipped(entries: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let (mut data, mut directory) = (Vec::new(), Vec::new());
    for (name, content, mode) in entries {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let mut crc = Crc::new();
        crc.update(content);
        // Version, flags, method, time and date; checksum and sizes; lengths of the name and the extra field.
        let mut common = [20u16, 0, 8, 0, 0].map(u16::to_le_bytes).concat();
        common.extend([crc.sum(), packed.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat());
        common.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        let at = data.len() as u32;
        data.extend([b"PK\x03\x04", common.as_slice(), name.as_bytes(), &packed].concat());
        // Made on Unix; comment, volume and internal attributes; external attributes; place of the data.
        let attributes = [[0; 6].as_slice(), &(mode << 16).to_le_bytes(), &at.to_le_bytes()].concat();
        directory.extend([b"PK\x01\x02\x14\x03", common.as_slice(), &attributes, name.as_bytes()].concat());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let (size, at) = ((directory.len() as u32).to_le_bytes(), (data.len() as u32).to_le_bytes());
    [&data, &directory, b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &size, &at, &[0, 0]].concat()
}

/// A folder `a/`, `a/b.txt` (deflated), `c` (stored) and a file of macOS, with a comment that looks like an end record;
/// made by Python's `zipfile`.
const PYTHON_ZIP: &str = "504b03041400000000000000210000000000000000000000000002000000612f504b030414000000080000002100f046c4\
    080a0000006400000007000000612f622e7478744b4a2d495448a22d0100504b0304140000000000000021000bf94356060000000600000001\
    0000006373746f726564504b030414000000080000002100399cfb0606000000040000000a0000005f5f4d41434f53582f78cb2acdcb060050\
    4b0102140314000000000000002100000000000000000000000000020000000000000000000000ed4100000000612f504b0102140314000000\
    080000002100f046c4080a00000064000000070000000000000000000000a48120000000612f622e747874504b010214031400000000000000\
    21000bf943560600000006000000010000000000000000000000a4814f00000063504b0102140314000000080000002100399cfb0606000000\
    040000000a0000000000000000000000a481740000005f5f4d41434f53582f78504b05060000000004000400cc000000a20000000e00504b05\
    06206120636f6d6d656e74";

/// Unpacks into `folder/target`; the files there, or the message.
fn unpacked(packing: Packing, archive: &[u8], limits: Limits) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("archive"), folder.path().join("target"));
    fs::write(&path, archive).unwrap();
    fs::create_dir(&target).unwrap();
    let result = unpack(packing, &path, &target, limits, &mut |_| {});
    let outside: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(outside.len(), 2, "something was written outside the target: {outside:?}");
    let mut files = BTreeMap::new();
    collect(&target, &target, &mut files);
    result.map(|()| files).map_err(|error| error.to_string())
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(!path.is_symlink());
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

#[test]
fn files_folders_and_long_names_come_out() {
    let long = format!("folder/{}", "n".repeat(150));
    let pax = format!("{} path=pax/name\n", "path=pax/name\n".len() + 3);
    let archive = tar_gz(&[
        tar_entry(EntryType::XGlobalHeader, b"pax_global_header", b"", b"17 comment=hello\n"),
        tar_entry(EntryType::Directory, b"./folder/", b"", b""),
        file("./folder/a.txt", b"alpha"),
        tar_entry(EntryType::GNULongName, b"././@LongLink", b"", format!("{long}\0").as_bytes()),
        file("folder/n", b"long"),
        tar_entry(EntryType::XHeader, b"PaxHeaders/x", b"", pax.as_bytes()),
        file("x", b"pax"),
        file("folder/.DS_Store", b"junk"),
        file("empty", b""),
    ]);
    let files = unpacked(Packing::TarGz, &archive, LIMITS).unwrap();
    let expected: [(&str, &[u8]); 4] =
        [("empty", b""), ("folder/a.txt", b"alpha"), (&long, b"long"), ("pax/name", b"pax")];
    assert_eq!(files, expected.map(|(name, content)| (name.to_string(), content.to_vec())).into());

    let archive = zipped(&[("a/b.txt", b"beta", 0o644), ("__MACOSX/a/._b.txt", b"junk", 0o644), ("c", b"", 0o600)]);
    let files = unpacked(Packing::Zip, &archive, LIMITS).unwrap();
    assert_eq!(files, [("a/b.txt".into(), b"beta".to_vec()), ("c".into(), vec![])].into());

    let archive: Vec<u8> =
        (0..PYTHON_ZIP.len()).step_by(2).map(|at| u8::from_str_radix(&PYTHON_ZIP[at..at + 2], 16).unwrap()).collect();
    let files = unpacked(Packing::Zip, &archive, LIMITS).unwrap();
    assert_eq!(files, [("a/b.txt".into(), b"beta ".repeat(20)), ("c".into(), b"stored".to_vec())].into());
}

#[test]
fn what_the_zip_reader_does_not_know_is_refused() {
    let archive = zipped(&[("a", b"content", 0o644)]);
    let directory = archive.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    for (at, value, expected) in [
        (directory + 8, 1, "encrypted"),
        (directory + 10, 12, "unknown compression"),
        (directory + 16, 0, "checksum"),
        (directory + 24, 6, "checksum"),
        (directory + 42, 5, "no entry where"),
        (directory + 28, 200, "cut off"),
        (archive.len() - 10, 255, "points elsewhere"),
        (archive.len() - 2, 9, "no end record"),
    ] {
        let mut archive = archive.clone();
        archive[at] = value;
        let message = unpacked(Packing::Zip, &archive, LIMITS).unwrap_err();
        assert!(message.contains(expected), "{message}: should mention {expected}");
    }
}

#[test]
fn entries_that_mean_harm_are_refused() {
    let link = |kind| tar_gz(&[tar_entry(kind, b"a", b"/etc/passwd", b"")]);
    for (archive, expected) in [
        (tar_gz(&[file("../a", b"x")]), "stays inside"),
        (tar_gz(&[file("a/../../b", b"x")]), "stays inside"),
        (tar_gz(&[file("/a", b"x")]), "relative path"),
        (tar_gz(&[file("a\\..\\b", b"x")]), "relative path"),
        (tar_gz(&[file("C:a", b"x")]), "relative path"),
        (tar_gz(&[file("a\nb", b"x")]), "relative path"),
        (tar_gz(&[tar_entry(EntryType::Regular, b"\xff", b"", b"x")]), "UTF-8"),
        (tar_gz(&[file(&"d/".repeat(40), b"")]), "fewer folders"),
        (tar_gz(&[tar_entry(EntryType::GNULongName, b"l", b"", b"../a\0"), file("b", b"x")]), "stays inside"),
        (tar_gz(&[tar_entry(EntryType::GNULongName, b"l", b"", &[b'n'; 5000]), file("b", b"x")]), "too long"),
        (tar_gz(&[tar_entry(EntryType::XHeader, b"l", b"", b"13 path=../a\n"), file("b", b"x")]), "stays inside"),
        (link(EntryType::Symlink), "Symlink"),
        (link(EntryType::Link), "Link"),
        (link(EntryType::Char), "Char"),
        (link(EntryType::Fifo), "Fifo"),
        (tar_gz(&[file("a", b"x"), file("a", b"y")]), "each name once"),
        (tar_gz(&[file("a", b"x"), file("a/b", b"y")]), "no file there"),
        (tar_gz(&[file("a/b", b"x"), file("a", b"y")]), "each name once"),
        (gzip(b"not a tar file"), "expected"),
        (gzip(b""), "a tar file"),
        (b"not even gzip".to_vec(), "undamaged"),
        (vec![], "undamaged"),
    ] {
        let message = unpacked(Packing::TarGz, &archive, LIMITS).unwrap_err();
        assert!(message.contains(expected), "{message}: should mention {expected}");
    }
    for (archive, expected) in [
        (zipped(&[("../a", b"x", 0o644)]), "stays inside"),
        (zipped(&[("/a", b"x", 0o644)]), "relative path"),
        (zipped(&[("a", b"x", 0o644), ("a/b", b"y", 0o644)]), "no file there"),
        (zipped(&[("a", b"/etc/passwd", 0o120_777)]), "a link or device"),
        (b"PK not a zip file".to_vec(), "undamaged"),
    ] {
        let message = unpacked(Packing::Zip, &archive, LIMITS).unwrap_err();
        assert!(message.contains(expected), "{message}: should mention {expected}");
    }
}

#[test]
fn bombs_are_stopped() {
    let zeros = vec![0; 3 << 20];
    let limits = Limits { entries: 10, ratio: 20, floor: 1 << 20 };
    for (packing, archive) in
        [(Packing::TarGz, tar_gz(&[file("a", &zeros)])), (Packing::Zip, zipped(&[("a", &zeros, 0o644)]))]
    {
        let message = unpacked(packing, &archive, limits).unwrap_err();
        assert!(message.contains("at most 1048576 bytes"), "{message}");
    }
    let names: Vec<String> = (0..11).map(|number| format!("f{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| file(name, b"")).collect();
    assert!(unpacked(Packing::TarGz, &tar_gz(&many[..10]), limits).is_ok());
    assert!(unpacked(Packing::TarGz, &tar_gz(&many), limits).unwrap_err().contains("at most 10"));
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), b"".as_slice(), 0o644)).collect();
    assert!(unpacked(Packing::Zip, &zipped(&many), limits).unwrap_err().contains("at most 10"));
}

#[test]
fn a_thousand_damaged_archives_of_each_kind_are_survived() {
    const MUTANTS: usize = 1200;
    // An entry's content goes through a buffer of 64 KiB, an extended header may have 1 MiB.
    const MEMORY: u64 = 4 << 20;
    let text: Vec<u8> = b"some text that can be packed; ".repeat(40);
    let long = tar_entry(EntryType::GNULongName, b"././@LongLink", b"", &[b'n'; 150]);
    let pax = tar_entry(EntryType::XHeader, b"PaxHeaders/x", b"", b"17 path=pax/name\n");
    let tar = [file("a/b.txt", &text), long, file("c", b"short"), pax, file("d", b"named"), vec![0; 1024]].concat();
    let zip = zipped(&[("a/b.txt", &text, 0o644), ("c", b"short", 0o644)]);
    // The second is the tar file within a sound gzip stream, whose checksum would hide it else.
    type Pack = fn(&[u8]) -> Vec<u8>;
    let kinds: [(&str, &[u8], Pack, Packing); 3] = [
        ("gzip", &gzip(&tar), <[u8]>::to_vec, Packing::TarGz),
        ("tar", &tar, gzip, Packing::TarGz),
        ("zip", &zip, <[u8]>::to_vec, Packing::Zip),
    ];
    for (name, whole, pack, packing) in kinds {
        let mut refused = 0;
        for_each_mutant(&[whole], MUTANTS, |bytes| {
            let archive = pack(bytes);
            let (result, held) = peak(|| unpacked(packing, &archive, LIMITS));
            assert!(held < MEMORY, "{name}: {held} bytes held for {bytes:02x?}");
            if let Err(message) = result {
                refused += 1;
                // The archive and the entry, or the file that could not be written.
                assert!(message.contains("archive: entry ") || message.contains("target"), "{message}");
            }
        });
        assert!(refused > MUTANTS / 4, "{name}: only {refused} of {MUTANTS} were noticed");
    }
}

#[test]
fn a_set_of_archives_is_unpacked_once_and_whole() {
    let server = Server::start();
    let archive = tar_gz(&[file("data/a.txt", b"alpha")]);
    server.put("/a", &archive, []);
    let promise = Promise { name: "a.tar.gz", content: &archive, urls: vec![server.url("/a")], unpack: Some("tar.gz") };
    let bench = Bench::new(&[promise], "folder = 'data'");
    // What a killed process left behind.
    bench.write("cache/set/unpacking-1/data/a.txt", b"half");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(fs::read(bench.locate().unwrap().join("a.txt")).unwrap(), b"alpha"));
        }
    });
    assert_eq!(server.requests().len(), 1);
    let mut steps = 0;
    let folder = bench.store.locate("set", &mut |_: Progress<'_>| steps += 1).unwrap();
    assert_eq!(steps, 0);
    let beside: Vec<_> = fs::read_dir(folder.ancestors().nth(2).unwrap()).unwrap().collect();
    assert_eq!(beside.len(), 2, "the archive and its content: {beside:?}");
    // The archive is no longer needed, nor is the network.
    fs::remove_file(bench.path("cache/set/a.tar.gz")).unwrap();
    assert_eq!(bench.store.find("set", &mut |_| {}).unwrap(), Some(folder));
}

#[test]
fn an_archive_from_the_read_only_folder_is_unpacked_into_the_cache() {
    let archive = zipped(&[("a.txt", b"alpha", 0o644)]);
    let bench = Bench::new(&[Promise { name: "a.zip", content: &archive, urls: vec![], unpack: Some("zip") }], "");
    bench.write("data/set/a.zip", &archive);
    let folder = bench.locate().unwrap();
    assert!(folder.starts_with(bench.path("cache/set")));
    assert_eq!(fs::read(folder.join("a.txt")).unwrap(), b"alpha");
    assert_eq!(fs::read_dir(bench.path("data/set")).unwrap().count(), 1);
}

#[test]
fn a_refused_archive_leaves_nothing() {
    for (archive, folder, expected) in [
        (tar_gz(&[file("data/a", b"x"), file("../b", b"x")]), "data", "stays inside"),
        (tar_gz(&[file("other/a", b"x")]), "data", "the folder data"),
    ] {
        let promise = Promise { name: "a.tar.gz", content: &archive, urls: vec![], unpack: Some("tar.gz") };
        let bench = Bench::new(&[promise], &format!("folder = '{folder}'"));
        bench.write("data/set/a.tar.gz", &archive);
        let message = bench.locate().unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("a.tar.gz"), "{message}");
        assert_eq!(fs::read_dir(bench.path("cache/set")).unwrap().count(), 0);
    }
}
