//! Folders of files that are there already, and the cache.

use std::fs;

use super::server::Server;
use super::{Bench, Promise, hash};
use crate::dataset::{FileState, Index, Progress, State, Store};
use crate::{Error, Result};

fn plain(content: &[u8]) -> Bench {
    Bench::new(&[Promise { name: "sub/a.txt", content, urls: vec![], unpack: None }], "manual = 'Ask the authors.'")
}

#[test]
fn the_read_only_folder_comes_first_and_stays_untouched() {
    let bench = plain(b"abc");
    bench.write("data/set/sub/a.txt", b"abc");
    assert_eq!(bench.locate().unwrap(), bench.path("data/set"));
    assert!(!bench.path("cache").exists(), "no need of the cache");
    assert_eq!(bench.count_checks(), 1, "a small file is hashed each time");
}

#[test]
fn a_wrong_file_in_the_read_only_folder_is_reported_and_kept() {
    let bench = plain(b"abc");
    bench.write("data/set/sub/a.txt", b"abd");
    let message = bench.locate().unwrap_err().to_string();
    assert!(message.contains(&hash(b"abd")) && message.contains(&hash(b"abc")), "{message}");
    bench.write("data/set/sub/a.txt", b"abcd");
    let message = bench.locate().unwrap_err().to_string();
    assert!(message.contains("found 4 bytes; expected 3 bytes"), "{message}");
    assert_eq!(fs::read(bench.path("data/set/sub/a.txt")).unwrap(), b"abcd");
}

#[test]
fn a_set_that_cannot_be_fetched_says_how_to_get_it() {
    let bench = plain(b"abc");
    let error = bench.locate().unwrap_err();
    assert!(matches!(error, Error::Download(_)));
    let message = error.to_string();
    assert!(message.contains("By hand: Ask the authors.") && message.contains(&hash(b"abc")), "{message}");
    assert_eq!(bench.store.find("set", &mut |_| {}).unwrap(), None);
    assert_eq!(bench.store.state(&bench.store.index().sets()[0]), State::Absent);
}

#[test]
fn a_file_put_into_the_cache_by_hand_is_checked_once() {
    let bench = plain(b"abc");
    bench.write("cache/set/sub/a.txt", b"abd");
    let message = bench.locate().unwrap_err().to_string();
    assert!(message.contains(&format!("found sha256 {}", hash(b"abd"))), "{message}");
    assert!(bench.path("cache/set/sub/a.txt").exists(), "what the user put there is not removed");
    bench.write("cache/set/sub/a.txt", b"abc");
    assert_eq!(bench.count_checks(), 1);
    assert_eq!(bench.count_checks(), 0);
    assert_eq!(bench.store.find("set", &mut |_| {}).unwrap(), Some(bench.path("cache/set")));
}

#[test]
fn a_damaged_file_in_the_cache_is_fetched_anew() {
    let server = Server::start();
    server.put("/a", b"abc", []);
    let bench = Bench::new(&[Promise { name: "a", content: b"abc", urls: vec![server.url("/a")], unpack: None }], "");
    let folder = bench.locate().unwrap();
    // Another length, so that the change is seen even where times are coarse.
    bench.write("cache/set/a", b"ab");
    assert_eq!(bench.locate().unwrap(), folder);
    assert_eq!(fs::read(folder.join("a")).unwrap(), b"abc");
}

#[test]
fn verify_looks_past_what_is_remembered() {
    let bench = plain(b"abc");
    bench.write("cache/set/sub/a.txt", b"abc");
    bench.locate().unwrap();
    let verify = || -> Result<_> { bench.store.verify(&bench.store.index().sets()[0], &mut |_| {}) };
    let path = bench.path("cache/set/sub/a.txt");
    assert_eq!(verify().unwrap(), [(path.clone(), FileState::Good)]);
    // The same size and time, as a failing disk would leave it: only the bytes tell.
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    bench.write("cache/set/sub/a.txt", b"abd");
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    assert_eq!(bench.count_checks(), 0);
    let (found, expected) = (format!("sha256 {}", hash(b"abd")), format!("sha256 {}", hash(b"abc")));
    assert_eq!(verify().unwrap(), [(path.clone(), FileState::Wrong { found, expected })]);
    fs::remove_file(&path).unwrap();
    assert_eq!(verify().unwrap(), [(path, FileState::Missing)]);
}

#[test]
fn what_ships_needs_no_network_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(Index::built_in().unwrap(), None, folder.path().join("cache"));
    let digits = store.index().get("digits").unwrap();
    assert_eq!(store.state(digits), State::Ships);
    let located = store.find("digits", &mut |_| {}).unwrap().unwrap();
    fs::write(located.join("digits.csv.gz"), "damaged").unwrap();
    assert_eq!(store.locate("digits", &mut |_| {}).unwrap(), located);
    let states = store.verify(digits, &mut |_| {}).unwrap();
    assert!(states.len() == 1 && states.iter().all(|(_, state)| *state == FileState::Good), "{states:?}");
}

#[cfg(unix)]
#[test]
fn a_cache_that_cannot_be_made_names_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    super::write(&folder.path().join("cache"), b"a file, not a folder");
    let store = Store::new(Index::built_in().unwrap(), None, folder.path().join("cache"));
    let message = store.locate("digits", &mut |_| {}).unwrap_err().to_string();
    assert!(message.contains("OGNIVO_CACHE can name another folder"), "{message}");
}

#[test]
fn real_sets_open() {
    let Some(data) = std::env::var_os("OGNIVO_DATA") else { return eprintln!("skipped: OGNIVO_DATA is not set") };
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(Index::built_in().unwrap(), Some(data.into()), folder.path().join("cache"));
    for (name, inside) in [
        ("mnist", "train-images-idx3-ubyte.gz"),
        ("fashion-mnist", "t10k-labels-idx1-ubyte.gz"),
        ("tiny-shakespeare", "input.txt"),
        ("war-and-peace-ru", "voina-i-mir-tom-4.txt.gz"),
        ("ants-bees-sample", "train/ants/0013035.jpg"),
        ("tiny-imagenet-10", "val/val_annotations.txt"),
        ("blogcatalog", "bc_labels.txt"),
        ("les-miserables", "lesmis.gml"),
        ("omniglot-small", "images_background_small1/Balinese/character01/0108_01.png"),
    ] {
        let set = store.index().get(name).unwrap();
        if store.state(set) != State::Present {
            eprintln!("skipped: {name} is not in OGNIVO_DATA");
            continue;
        }
        let located = store.locate(name, &mut |_| {}).unwrap();
        assert!(located.join(inside).is_file(), "{name} lacks {inside}");
        assert!(!located.join("__MACOSX").exists());
        let mut steps = 0;
        let mut count = |step: Progress<'_>| steps += u64::from(matches!(step, Progress::Unpack { .. }));
        assert_eq!(store.locate(name, &mut count).unwrap(), located);
        assert_eq!(steps, 0, "{name} is unpacked once");
    }
}
